<?php

declare(strict_types=1);

namespace XtreamGateway\Billing;

/** One answer of the gateway; status 0 where none came. */
final class Answer
{
    /**
     * @param array<string, string> $headers by their names in lower case
     * @param array<string, mixed> $body an empty array where it was no JSON object
     */
    public function __construct(
        public readonly int $status,
        public readonly array $headers,
        public readonly array $body,
        public readonly string $fault = '',
    ) {
    }

    public function isOk(): bool
    {
        return $this->status === 200 || $this->status === 201;
    }

    /** The code of a problem; "no_answer" or "http_502" where the gateway itself did not speak. */
    public function code(): string
    {
        return match (true) {
            is_string($this->body['code'] ?? null) => $this->body['code'],
            $this->status === 0 => 'no_answer',
            default => "http_{$this->status}",
        };
    }

    public function message(): string
    {
        $text = $this->body['detail'] ?? $this->body['title'] ?? $this->fault;
        foreach ($this->body['errors'] ?? [] as $fault) {
            $text .= " {$fault['pointer']}: {$fault['detail']}";
        }

        return $text === '' ? "The gateway answered {$this->status}." : $text;
    }

    public function operationId(): ?string
    {
        $id = $this->status === 202 ? ($this->body['id'] ?? null) : ($this->body['operation_id'] ?? null);

        return is_string($id) ? $id : null;
    }

    /** The answer was kept from an earlier request with the same key. */
    public function isReplayed(): bool
    {
        return ($this->headers['idempotent-replayed'] ?? '') === 'true';
    }

    /** An earlier order under this key ended without effect; the key will never answer anything else. */
    public function isKeptFailure(): bool
    {
        return $this->isReplayed() && $this->status >= 400;
    }

    /** The same answer, as one that this call brought about itself. */
    public function asOwn(): self
    {
        return new self($this->status, array_diff_key($this->headers, ['idempotent-replayed' => '']), $this->body);
    }

    public function retryAfterSeconds(): ?int
    {
        $given = $this->headers['retry-after'] ?? '';

        return ctype_digit($given) ? (int) $given : null;
    }

    /**
     * May the very same request, under the same key, get another answer soon?
     *
     * No answer, 429, 503, and what a proxy in between says: yes. A conflict only where the gateway says when
     * (another request, or another change of the line, is under way). What it refuses stays refused.
     */
    public function mayPass(): bool
    {
        return match (true) {
            $this->isKeptFailure() => false,
            in_array($this->status, [0, 408, 429, 500, 503, 504], true) => true,
            $this->status === 502 => $this->code() === 'http_502',
            $this->status === 409 => $this->retryAfterSeconds() !== null,
            default => false,
        };
    }
}
