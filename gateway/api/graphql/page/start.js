// GraphiQL with one API key. The key lives in this closure and in the field, nowhere else: not in
// storage, not in a URL. GraphiQL's pane for headers is off, since its history stores what is in it.
"use strict";

{
  const ENDPOINT = "/graphql";
  const BEARER = /^[A-Za-z0-9._~+/-]+=*$/; // RFC 6750 section 2.1.
  const field = document.getElementById("key");
  const status = document.getElementById("status");
  const root = ReactDOM.createRoot(document.getElementById("graphiql"));
  const examples = document.getElementById("examples").content.textContent;
  const NO_KEY = status.textContent;
  let key = "";

  // GraphiQL's dialogs insert a stylesheet, and look here for the nonce that allows it.
  globalThis.__webpack_nonce__ = document.currentScript.nonce;

  function say(sentence, mood = "") {
    status.textContent = sentence;
    status.className = mood;
  }

  const failure = (sentence) => ({ errors: [{ message: sentence }] });

  /** Return the GraphQL result in a response. What is none, such as a problem, becomes one. */
  async function resultOf(response) {
    const body = await response.json().catch(() => null);
    if (body?.data !== undefined || body?.errors?.[0]?.message !== undefined) return body;
    const sentence = body?.detail ?? `The gateway answered ${response.status} without a result.`;
    return { errors: [{ message: sentence, extensions: { code: body?.code } }] };
  }

  /** Return a sentence on why the gateway refused; null when the result says enough by itself. */
  function explain(httpStatus, result, isForSchema) {
    const [error] = result.errors ?? [];
    const code = error?.extensions?.code;
    if (httpStatus === 401 || code === "unauthenticated") {
      return "The gateway does not accept this key (401). Was it copied whole, and is it neither revoked nor expired?";
    }
    if (isForSchema && error?.message.includes("graphql:introspect")) {
      return "This key may not read the schema (403): it lacks the permission graphql:introspect. What it may do can still be run.";
    }
    return isForSchema && error ? `The schema could not be loaded: ${error.message}` : null;
  }

  /** Return a fetcher for one key. GraphiQL loads the schema again when it is given another. */
  function fetcherFor(ownKey) {
    const authorization = ownKey ? { authorization: `Bearer ${ownKey}` } : {};
    const isCurrent = () => ownKey === key;

    function judge(response, result, isForSchema) {
      const sentence = explain(response.status, result, isForSchema);
      if (sentence && isCurrent()) say(sentence, "bad");
      return sentence !== null;
    }

    async function post(parameters) {
      const isForSchema = parameters.operationName === "IntrospectionQuery";
      let response;
      try {
        response = await fetch(ENDPOINT, {
          method: "POST",
          credentials: "omit",
          headers: {
            ...authorization,
            accept: "application/graphql-response+json, application/json;q=0.9",
            "content-type": "application/json",
          },
          body: JSON.stringify(parameters),
        });
      } catch {
        const sentence = "The gateway cannot be reached.";
        if (isCurrent()) say(sentence, "bad");
        return failure(sentence);
      }
      const result = await resultOf(response);
      const isRefused = judge(response, result, isForSchema);
      if (isForSchema && !isRefused && isCurrent()) say("Schema loaded.", "good");
      // Without the member `data`, GraphiQL would ask for the schema a second time.
      return isRefused ? { data: null, ...result } : result;
    }

    /** Return an observable over graphql-sse, distinct connections mode. */
    function watch(parameters) {
      const subscribe = (sink) => {
        let refused = null;
        const client = graphqlSse.createClient({
          url: ENDPOINT,
          credentials: "omit",
          headers: authorization,
          retryAttempts: 0, // Or it asks again also where it was refused.
          fetchFn: async (...request) => {
            const response = await fetch(...request);
            if (!response.ok) {
              refused = await resultOf(response);
              judge(response, refused, false);
            }
            return response;
          },
        });
        const unsubscribe = client.subscribe(parameters, {
          next: (result) => sink.next(result),
          error: (error) => {
            sink.next(refused ?? failure(`The subscription broke off: ${error.message}`));
            sink.complete();
          },
          complete: () => sink.complete(),
        });
        return { unsubscribe };
      };
      return { subscribe };
    }

    return (parameters, { documentAST } = {}) =>
      isSubscription(documentAST, parameters.operationName) ? watch(parameters) : post(parameters);
  }

  function isSubscription(document, name) {
    const operation = document?.definitions.find(
      (it) => it.kind === "OperationDefinition" && (!name || it.name?.value === name),
    );
    return operation?.operation === "subscription";
  }

  const fixed = {
    defaultTabs: examples.split(/^(?=# \d)/m).map((query) => ({ query })),
    // Variables may hold a subscriber's password: they end with the tab.
    storage: sessionStorage,
    shouldPersistHeaders: false,
    isHeadersEditorEnabled: false,
    inputValueDeprecation: true,
    schemaDescription: true,
  };

  function render() {
    // A null schema is one that is not asked for.
    const schema = key ? undefined : null;
    root.render(React.createElement(GraphiQL, { ...fixed, schema, fetcher: fetcherFor(key) }));
  }

  function take() {
    const given = field.value.trim();
    const isKey = BEARER.test(given);
    if (given && !isKey) say("This is no API key: it holds characters that no key has.", "bad");
    else if (given !== key) say(given ? "Loading the schema …" : NO_KEY);
    const taken = isKey ? given : "";
    if (taken === key) return;
    key = taken;
    render();
  }

  field.addEventListener("change", take);
  field.addEventListener("paste", () => setTimeout(take));
  field.value = ""; // Some browsers put back what was in a field before a reload.
  render();
  field.focus();
}
