package check

// Ids of the rules. An id stays the same over releases, so that two reports can be compared.
const (
	ruleAnswers  = "answer"
	ruleRequest  = "request-id"
	ruleOutcome  = "outcome"
	ruleNoEcho   = "no-echo"
	ruleNoLeak   = "no-leak"
	ruleNoFault  = "no-server-error"
	ruleAllow    = "allow-header"
	ruleChecked  = "all-asked"
	ruleFHIRJSON = "fhir-json"

	ruleStatement     = "statement"
	ruleDiscovery     = "discovery"
	ruleDiscoverySame = "discovery-same"
	ruleKeySet        = "key-set"
	ruleCORS          = "discovery-cors"
	ruleForwarded     = "discovery-forwarded"
	ruleOAuthURIs     = "oauth-uris"

	ruleNoToken      = "no-token"
	ruleBadToken     = "bad-token"
	ruleToken        = "token"
	ruleTokenRefused = "token-refused"
	ruleIntrospect   = "introspection"
	ruleScope        = "scope"

	ruleNotAcceptable = "accept"
	ruleUnsupported   = "content-type"

	ruleServed           = "declared-served"
	ruleUndeclared       = "undeclared-refused"
	ruleConditional      = "conditional"
	ruleUnknownType      = "unknown-type"
	ruleUnknownPath      = "unknown-path"
	ruleMethod           = "wrong-method"
	ruleOperation        = "declared-operation"
	ruleUnknownOperation = "unknown-operation"
	ruleParameter        = "declared-parameter"
	ruleFilter           = "parameter-filters"
	ruleUnknownParameter = "unknown-parameter"
	ruleModifier         = "unknown-modifier"
	ruleInclude          = "include"

	ruleRead            = "read-as-found"
	ruleVersion         = "version-headers"
	ruleFound           = "found-by-id"
	rulePost            = "search-by-post"
	ruleConditionalRead = "conditional-read"
	rulePages           = "pages"
	ruleTotal           = "total"
	ruleForeignLink     = "changed-link"
	ruleHidden          = "hidden-as-missing"

	ruleWrite            = "write"
	ruleStale            = "stale-write"
	ruleInvalid          = "invalid-write"
	ruleRemoved          = "removed"
	ruleHistory          = "history"
	ruleAtomic           = "all-or-nothing"
	ruleBatch            = "batch"
	ruleWriteConditional = "conditional-write"
)

// rule is one promise: what is asked, and what to do where it is broken.
type rule struct{ id, title, todo string }

// rules in the order of the report.
var rules = []rule{
	{ruleStatement, "/fhir/metadata is a CapabilityStatement of FHIR 4.0.1 that anybody may read", "Serve /fhir/metadata without a token, for R4, with one rest of mode server."},
	{ruleDiscovery, "the SMART configuration is complete and its URLs stand under the public URL", "Check --base-url, and what a proxy in front changes."},
	{ruleDiscoverySame, "the three discovery documents agree", "Serve all three from one table."},
	{ruleKeySet, "the key set holds public RSA keys alone, with ids that differ", "Look at the keys with drieluik keys list."},
	{ruleCORS, "any browser may read the discovery documents, without credentials", "Let the proxy pass Access-Control-Allow-Origin on, and add no Access-Control-Allow-Credentials."},
	{ruleForwarded, "forwarded headers change no document", "Take URLs from --base-url alone."},
	{ruleOAuthURIs, "the CapabilityStatement names the same endpoints as the SMART configuration", "Render both from one table."},
	{ruleNoToken, "a request without a token is 401 and says how to log in", "Answer 401 with WWW-Authenticate: Bearer before anything else."},
	{ruleBadToken, "a wrong token is 401 invalid_token, and a token in the URL does not count", "Take tokens from the Authorization header alone."},
	{ruleToken, "a client assertion brings a Bearer token of at most 300 seconds", "See that the client is registered, active, and that this is its key."},
	{ruleTokenRefused, "a used assertion, an unknown grant and a parameter in the URL bring no token", "Refuse as RFC 6749 5.2 says."},
	{ruleIntrospect, "introspection says active of a live token, and nothing of an unknown one", "Answer {\"active\":false} alone for what is not known."},
	{ruleScope, "a token without the scope is 403 insufficient_scope before any look-up", "Judge the scope on the type alone."},
	{ruleNotAcceptable, "another format or version than FHIR R4 JSON is 406", "Refuse what is not served rather than answering JSON."},
	{ruleUnsupported, "a body of another format is 415", "Look at Content-Type before the body."},
	{ruleServed, "every declared interaction is served", "Serve it, or take it out of the CapabilityStatement."},
	{ruleUndeclared, "an interaction that is not declared is refused", "Declare it, or refuse it with 405 or the code not-supported."},
	{ruleConditional, "conditional interactions do what the flags declare", "Make conditionalCreate, conditionalUpdate and conditionalRead say what the server does."},
	{ruleUnknownType, "a type that is not declared is 404 not-supported", "Refuse it; a client must see its misspelling."},
	{ruleUnknownPath, "a path that stands for nothing is 404", "Refuse it with an OperationOutcome."},
	{ruleMethod, "a method that a path does not take is 405", "Answer 405 and list the methods in Allow."},
	{ruleOperation, "every declared operation is served", "Serve it, or take it out of the CapabilityStatement."},
	{ruleUnknownOperation, "an operation that is not declared is refused", "Answer 404 or 405 with the code not-supported."},
	{ruleParameter, "every declared search parameter is taken", "Take it, or take it out of the CapabilityStatement."},
	{ruleFilter, "a search parameter filters: a value that nothing has finds nothing", "Apply the parameter; ignoring one shows data that nobody asked for."},
	{ruleUnknownParameter, "an unknown search parameter is 400", "Refuse it; a search that ignores it finds too much."},
	{ruleModifier, "an unknown modifier is 400", "Refuse it; a search that ignores it finds something else."},
	{ruleInclude, "declared includes are taken, others refused", "Make searchInclude and searchRevInclude say what the server does."},
	{ruleBatch, "a batch answers entry by entry, as the requests alone would", "Serve each entry by the handler of its own request."},
	{ruleRead, "a read gives what the search gave", "Serve both from the same bytes and the same decision."},
	{ruleVersion, "ETag, Last-Modified and vread agree with meta", "Send W/\"versionId\" and the time of meta.lastUpdated."},
	{ruleFound, "a search by _id finds what a read shows", "Apply the same filter to both."},
	{rulePost, "a search by POST finds the same as by GET", "Read the form and the URL with one parser."},
	{ruleConditionalRead, "conditional reads do what conditionalRead declares", "Answer 304 where it is declared, and 200 where it is not."},
	{rulePages, "pages hold at most _count matches, each match once, under the public URL", "Bind the order and the position of a search into its links."},
	{ruleTotal, "the total is the number of matches", "Count with the filter of the search itself."},
	{ruleForeignLink, "a page link that was changed is refused", "Seal the links."},
	{ruleHidden, "what may not be seen answers as what does not exist", "Give both the same answer: status, headers and body."},
	{ruleWrite, "what was written is read back, with versions that count up", "Answer 201 with Location and ETag; read by the same id."},
	{ruleStale, "a write on a version that has moved is 412", "Compare If-Match with the current version inside the transaction."},
	{ruleInvalid, "an invalid resource is refused and not stored", "Validate before storing."},
	{ruleWriteConditional, "conditional writes do what the flags declare", "Refuse If-None-Exist and conditional URLs that are not declared; never ignore them."},
	{ruleHistory, "the history of a resource holds every version, the newest first", "Serve the versions that vread serves."},
	{ruleAtomic, "a transaction is stored whole or not at all", "Store all entries in one transaction of the store."},
	{ruleRemoved, "what was deleted is gone, and its versions stay", "Answer 204, then 410 on a read."},
	{ruleAnswers, "every request gets an answer", "Look at the log of the server and of the proxy."},
	{ruleRequest, "every answer of the FHIR endpoint has an X-Request-Id of its own", "Set it in one place, on success and on errors."},
	{ruleFHIRJSON, "bodies of the FHIR endpoint are application/fhir+json in UTF-8", "Set the Content-Type in one place."},
	{ruleOutcome, "every refusal is an OperationOutcome with a sentence and a rule", "Give severity, an R4 code, details.text and diagnostics."},
	{ruleNoEcho, "no refusal echoes what was sent", "Name the parameter or the element, never its value."},
	{ruleNoLeak, "no answer shows stacks, SQL or library texts", "Answer a fixed text and log the cause."},
	{ruleNoFault, "nothing makes the server fail", "Look up the X-Request-Id in the log of the server."},
	{ruleAllow, "every 405 lists the methods that would do", "Send the Allow header (RFC 9110 15.5.6)."},
	{ruleChecked, "the run was not cut short", "Raise --requests."},
}
