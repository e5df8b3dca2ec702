{{/* The names. 52 characters leave room for "-settings" and the like in 63. */}}
{{- define "xtream-gateway.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "xtream-gateway.fullname" -}}
{{- $name := include "xtream-gateway.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "xtream-gateway.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "xtream-gateway.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "xtream-gateway.image" -}}
{{- $image := .Values.image }}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* What belongs to this release, of all components: the selector of policies. */}}
{{- define "xtream-gateway.releaseLabels" -}}
app.kubernetes.io/name: {{ include "xtream-gateway.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* Of one component: (dict "root" $ "component" "api"). */}}
{{- define "xtream-gateway.selectorLabels" -}}
{{ include "xtream-gateway.releaseLabels" .root }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Of pods: without the chart's version, so that a new chart alone starts no pod anew. */}}
{{- define "xtream-gateway.podLabels" -}}
{{ include "xtream-gateway.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
{{- end }}

{{- define "xtream-gateway.labels" -}}
{{ include "xtream-gateway.podLabels" . }}
app.kubernetes.io/part-of: xtream-gateway
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/*
The variables of settings, as a map: nested names are joined with "__", lists with commas.
Lists of objects are JSON.
An empty text is left out, so that the gateway's default holds.
*/}}
{{- define "xtream-gateway.variables" -}}
{{- range $name, $value := .values }}
{{- $variable := printf "%s%s" $.prefix (upper $name) }}
{{- if kindIs "map" $value }}
{{- include "xtream-gateway.variables" (dict "prefix" (printf "%s__" $variable) "values" $value) }}
{{- else }}
{{- $text := "" }}
{{- if kindIs "slice" $value }}
{{- $text = ternary (toJson $value) (join "," $value) (kindIs "map" (first $value)) }}
{{- else if kindIs "string" $value }}
{{- $text = $value }}
{{- else if not (kindIs "invalid" $value) }}
{{- $text = toJson $value }}
{{- end }}
{{- if $text }}
{{ $variable }}: {{ $text | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "xtream-gateway.settings" -}}
{{- $settings := deepCopy .Values.settings }}
{{- if and (not $settings.public_url) .Values.ingress.enabled }}
{{- $scheme := ternary "https" "http" (not (empty .Values.ingress.tlsSecretName)) }}
{{- $_ := set $settings "public_url" (printf "%s://%s" $scheme (first .Values.ingress.hosts)) }}
{{- end }}
{{- include "xtream-gateway.variables" (dict "prefix" "GATEWAY_" "values" $settings) | trim }}
{{- end }}

{{/* Secret settings come as files, which neither `kubectl describe` nor a child process shows. */}}
{{- define "xtream-gateway.env" -}}
{{- range $setting, $key := .Values.existingSecret.keys }}
{{- if $key }}
- name: GATEWAY_{{ upper $setting }}_FILE
  value: /etc/xtream-gateway/secrets/{{ $setting }}
{{- end }}
{{- end }}
{{- range .Values.extraEnv }}
- name: {{ .name }}
  {{- if .secretKeyRef }}
  valueFrom:
    secretKeyRef: {{- toYaml .secretKeyRef | nindent 6 }}
  {{- else }}
  value: {{ .value | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "xtream-gateway.volumeMounts" -}}
- name: secrets
  mountPath: /etc/xtream-gateway/secrets
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- end }}

{{- define "xtream-gateway.volumes" -}}
- name: secrets
  secret:
    secretName: {{ .Values.existingSecret.name }}
    defaultMode: 0440
    items:
      {{- range $setting, $key := .Values.existingSecret.keys }}
      {{- if $key }}
      - key: {{ $key }}
        path: {{ $setting }}
      {{- end }}
      {{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- end }}

{{/* Pod security "restricted". The ids are the image's. */}}
{{- define "xtream-gateway.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "xtream-gateway.containerSecurity" -}}
image: {{ include "xtream-gateway.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end }}

{{/* Fails where the workers' file is missing, or has not been touched for a minute. */}}
{{- define "xtream-gateway.heartbeat" -}}
command:
  - python
  - -c
  - |
    import os, sys, time
    touched = os.stat(os.environ["GATEWAY_HEARTBEAT_PATH"]).st_mtime
    sys.exit(time.time() - touched > 60)
{{- end }}

{{/* Where pods go: (dict "root" $ "component" "api" "values" .Values.api). */}}
{{- define "xtream-gateway.placement" -}}
{{- with .values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- $spread := .values.topologySpread }}
{{- if and $spread $spread.enabled }}
topologySpreadConstraints:
  {{- range $key := list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - topologyKey: {{ $key }}
    maxSkew: 1
    whenUnsatisfiable: {{ $spread.whenUnsatisfiable }}
    labelSelector:
      matchLabels: {{- include "xtream-gateway.selectorLabels" $ | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end }}

{{/* Seconds: the sleep before SIGTERM, then the gateway's own drain, then some time to close. */}}
{{- define "xtream-gateway.graceSeconds" -}}
{{- $settings := .root.Values.settings }}
{{- add (ceil $settings.drain_notice_seconds | int) (ceil $settings.drain_seconds | int) (.sleep | int) 10 }}
{{- end }}
