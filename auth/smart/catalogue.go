package smart

import (
	"slices"
	"strings"
)

// entry is one row of the public error catalogue (smart.md 10). Rules are stable.
type entry struct {
	rule   string
	status int
	code   string // OAuth error code
	text   string // printable ASCII without quote and backslash; {base}, {name} are filled in
	cure   string // cause and cure, for the page
	ref    string // requirement
}

// catalogue lists every refusal of the endpoints that exist.
func catalogue() []entry {
	return slices.Concat(formEntries(), clientEntries(), assertionEntries(), keyEntries(), grantEntries(), authorizeEntries(), pushedEntries(), proofEntries(), launchEntries(), registerEntries(), tokenEntries())
}

func formEntries() []entry {
	const form = "Send one POST with application/x-www-form-urlencoded, at most 64 KiB, not compressed."
	return []entry{
		{"form.method", 405, "invalid_request", form, "Use POST.", "SMART-301"},
		{"form.type", 415, "invalid_request", form, "Set Content-Type to application/x-www-form-urlencoded, without Content-Encoding.", "SMART-301"},
		{"form.size", 413, "invalid_request", form, "Ask for fewer scopes, or leave out what the request does not need.", "SMART-301"},
		{"form.encoding", 400, "invalid_request", form, "Percent-encode the body as UTF-8, with at most 100 parameters.", "SMART-301"},
		{"form.query", 400, "invalid_request", "Send parameters in the body, not in the URL.", "URLs end up in logs; the body does not.", "SMART-302"},
		{"form.repeat", 400, "invalid_request", "A parameter occurs more than once. {name}", "Send each parameter once.", "SMART-302"},
		{"form.missing", 400, "invalid_request", "Parameter {name} is missing.", "Add the parameter; an empty value counts as absent.", "SMART-306"},
	}
}

func clientEntries() []entry {
	return []entry{
		{"grant.type", 400, "unsupported_grant_type", "Use authorization_code, refresh_token or client_credentials.", "Grant types are written in lower case.", "SMART-306"},
		{"grant.client", 400, "unauthorized_client", "This client is not registered for this grant.", "Register the client with this grant type, or use the one it has.", "SMART-306"},
		{"client.auth", 401, "invalid_client", "Unknown client or wrong credentials.", "Check client_id, registration and secret. Unknown and disabled clients get the same answer.", "SMART-307"},
		{"client.none", 401, "invalid_client", "No client authentication was sent.", "Send client_assertion, as the client is registered.", "SMART-327"},
		{"client.two", 400, "invalid_request", "More than one client authentication method was used.", "Send one of assertion, Basic, client_secret.", "SMART-327"},
		{"client.origin", 400, "invalid_request", "This page is not registered for the client.", "Register the origin of the page with the client.", "SMART-311"},
		{"client.rate", 429, "temporarily_unavailable", "Too many attempts. Wait as long as Retry-After says.", "Reuse a token until it expires.", "SMART-312"},
	}
}

func assertionEntries() []entry {
	return []entry{
		{"jwt.type", 401, "invalid_client", "client_assertion_type must be urn:ietf:params:oauth:client-assertion-type:jwt-bearer with one client_assertion.", "Both parameters belong together.", "SMART-321"},
		{"jwt.form", 401, "invalid_client", "The assertion is not a compact JWS.", "Three base64url parts without padding or white space, at most 16 KiB.", "SMART-321"},
		{"jwt.json", 401, "invalid_client", "Header or claims are not one JSON object without repeated members.", "Let a JOSE library write the token.", "SMART-322"},
		{"jwt.alg", 401, "invalid_client", "alg is not allowed for this client. Allowed: {name}.", "Sign with one of the algorithms named.", "SMART-322"},
		{"jwt.typ", 401, "invalid_client", "typ must be JWT or absent.", "client-authentication+jwt is accepted too.", "SMART-322"},
		{"jwt.header", 401, "invalid_client", "Header crit, b64, zip, jwk, x5c or x5u is not accepted.", "The key comes from the registration alone; x5t is refused too.", "SMART-322"},
		{"jwt.jku", 401, "invalid_client", "jku differs from the registered jwks_uri.", "Leave jku out, or send the registered URL byte for byte.", "SMART-322"},
		{"jwt.kid", 401, "invalid_client", "No single registered key has this kid and fits alg.", "Register the key, or send its kid.", "SMART-323"},
		{"jwt.sig", 401, "invalid_client", "The signature does not verify with the key of this kid.", "Sign with the private half of the registered key; ECDSA signatures are r and s side by side, not DER.", "SMART-323"},
		{"jwt.iss", 401, "invalid_client", "iss and sub must both be the client_id.", "client_id, when sent, must be the same.", "SMART-324"},
		{"jwt.sub", 401, "invalid_client", "iss and sub must both be the client_id.", "client_id, when sent, must be the same.", "SMART-324"},
		{"jwt.aud", 401, "invalid_client", "aud must be exactly one of {base} or {base}/auth/token.", "One string, or an array of one.", "SMART-324"},
		{"jwt.exp", 401, "invalid_client", "exp is missing, not an integer or past.", "Whole seconds since 1970; check the clock.", "SMART-324"},
		{"jwt.exp_far", 401, "invalid_client", "exp is more than 5 minutes ahead.", "Make a short-lived assertion per request; check the clock.", "SMART-324"},
		{"jwt.nbf", 401, "invalid_client", "nbf lies in the future.", "Check the clock; nbf may be left out.", "SMART-324"},
		{"jwt.iat", 401, "invalid_client", "iat lies in the future.", "Check the clock; iat may be left out.", "SMART-324"},
		{"jwt.jti", 401, "invalid_client", "jti is missing or too long.", "A fresh random string of 1 to 255 bytes per assertion.", "SMART-324"},
		{"jwt.epoch", 401, "invalid_client", "The server restarted its replay memory. Make a new assertion with iat.", "Send iat. In the first minute no assertion can be told from an old one; try again after it.", "SMART-325"},
		{"jwt.replay", 401, "invalid_client", "This assertion was used before. Make a new one per request.", "A retry needs a new jti.", "SMART-325"},
	}
}

func keyEntries() []entry {
	return []entry{
		{"jwks.fetch", 401, "invalid_client", "The key set could not be fetched (timeout, status, type or size).", "Serve it with status 200 as application/json, at most 64 KiB, within 3 seconds, without redirect.", "SMART-328"},
		{"jwks.form", 401, "invalid_client", "The key set is not usable.", "1 to 20 public keys with unique kid: RSA 2048 to 8192 bits with e 65537, or EC P-256, P-384, P-521.", "SMART-328"},
		{"jwks.addr", 401, "invalid_client", "The key set address is not allowed.", "It must be public, or named by the operator in jwksPrivateHosts.", "SMART-328"},
	}
}

func grantEntries() []entry {
	return []entry{
		{"code.unknown", 400, "invalid_grant", "The code is unknown.", "Start again at the authorisation endpoint.", "SMART-308"},
		{"code.expired", 400, "invalid_grant", "The code expired after 60 seconds.", "Redeem a code at once; start again at the authorisation endpoint.", "SMART-308"},
		{"code.used", 400, "invalid_grant", "The code was used before; its tokens are withdrawn.", "Redeem a code once. A page that is loaded again must not send it again.", "SMART-109"},
		{"code.client", 400, "invalid_grant", "The code belongs to another client.", "Start again at the authorisation endpoint.", "SMART-308"},
		{"code.redirect", 400, "invalid_grant", "redirect_uri differs from the authorisation request.", "Send the same redirect_uri, byte for byte.", "SMART-308"},
		{"code.pkce", 400, "invalid_grant", "code_verifier does not fit code_challenge.", "43 to 128 unreserved characters whose SHA-256, as base64url, was the challenge.", "SMART-308"},
		{"refresh.unknown", 400, "invalid_grant", "The refresh token is unknown or expired.", "Ask the user again.", "SMART-425"},
		{"refresh.used", 400, "invalid_grant", "The refresh token was used before.", "Keep the new token of every refresh. Ask the user again.", "SMART-424"},
		{"refresh.client", 400, "invalid_grant", "The refresh token belongs to another client.", "client_id, when sent, must be that of the token.", "SMART-422"},
		{"refresh.withdrawn", 400, "invalid_grant", "Access was withdrawn or is no longer allowed. Ask the user again.", "The user, custody, age or the operator ended it.", "SMART-425"},
		{"scope.wider", 400, "invalid_scope", "A refresh cannot widen scope.", "Ask for what was granted, or less.", "SMART-423"},
		{"scope.missing", 400, "invalid_scope", "Send scope.", "The client has no default_scope.", "SMART-309"},
		{"scope.form", 400, "invalid_scope", "Use single spaces between scopes, at most 200.", "ASCII only, at most 16 KiB.", "SMART-309"},
		{"scope.granular", 400, "invalid_scope", "Granular scopes take category, code, status, _tag, _security where the type has them, without modifiers.", "Widening or narrowing in silence would mislead, so that the whole request is refused.", "SMART-309"},
		{"scope.none", 400, "invalid_scope", "No requested scope is available to this client.", "client_credentials takes system/ and drieluik/ scopes within the registration.", "SMART-309"},
		{"target", 400, "invalid_target", "resource must be {base}/fhir.", "The same holds for audience.", "SMART-310"},
		{"authz.purpose", 400, "invalid_request", "purpose_of_use is not registered for this client or role.", "Leave it out for the default, or have it registered; BTG and ETREAT for the organisation of the professional too.", "SMART-115"},
	}
}

// authorizeEntries are refusals of the authorisation endpoint. Status 303: they go to the app.
func authorizeEntries() []entry {
	return []entry{
		{"authz.client", 400, "invalid_request", "The app is not registered here.", "Register the client with authorization_code; a disabled client gets the same answer.", "SMART-103"},
		{"authz.redirect", 400, "invalid_request", "The return address of the app is not registered.", "redirect_uri must be a registered one, byte for byte.", "SMART-103"},
		{"authz.response_type", 303, "unsupported_response_type", "Only response_type=code.", "Use the code flow with PKCE.", "SMART-102"},
		{"authz.mode", 303, "invalid_request", "Only response_mode=query.", "Leave response_mode out.", "SMART-102"},
		{"authz.request", 303, "request_not_supported", "request objects are not supported.", "Send plain parameters.", "SMART-107"},
		{"authz.request_uri", 303, "request_uri_not_supported", "Only request_uri values from /auth/par.", "Send plain parameters, or push them first where discovery names the endpoint. It is never fetched.", "SMART-107"},
		{"authz.registration", 303, "registration_not_supported", "registration is not supported.", "Clients are registered by the operator.", "SMART-107"},
		{"authz.state", 303, "invalid_request", "state must have 1 to 4096 bytes.", "A fresh random value per request.", "SMART-102"},
		{"authz.aud", 303, "invalid_request", "aud must be {base}/fhir.", "resource is a synonym; both, when sent, must agree.", "SMART-104"},
		{"authz.pkce", 303, "invalid_request", "Send code_challenge (43 characters) with code_challenge_method=S256.", "PKCE holds for every client.", "SMART-105"},
		{"authz.launch", 303, "invalid_request", "The launch value is unknown, used, expired or for another app, or the launch scope is missing.", "A handle is for one use within 300 seconds, together with scope launch; have the app started again.", "SMART-203"},
		{"authz.dpop_jkt", 303, "invalid_request", "dpop_jkt must be the SHA-256 thumbprint of a key (43 characters), and that of the proof beside it.", "Leave it out, or send the base64url of RFC 7638.", "SMART-712"},
		{"authz.max_age", 303, "invalid_request", "max_age must be whole seconds.", "Leave it out, or send digits alone.", "SMART-112"},
		{"authz.denied", 303, "access_denied", "The user refused.", "Show what works without the data.", "SMART-110"},
		{"authz.login", 303, "login_required", "Login is needed.", "Send the request again without prompt=none.", "SMART-112"},
		{"authz.consent", 303, "consent_required", "Consent is needed.", "Send the request again without prompt=none: a family consents on a page.", "SMART-112"},
		{"login.wrong", 400, "access_denied", "Login failed.", "Check what was entered.", "SMART-312"},
	}
}

// pushedEntries are refusals of pushed requests, at either end.
func pushedEntries() []entry {
	return []entry{
		{"par.request_uri", 400, "invalid_request", "request_uri cannot be pushed.", "Push plain parameters.", "SMART-701"},
		{"par.size", 413, "invalid_request", "A pushed request holds at most 8 KiB.", "Ask for fewer scopes.", "SMART-701"},
		{"par.unknown", 400, "invalid_request", "The pushed request is unknown, used, expired or of another client.", "A request_uri is for one use of one client within 60 seconds; push again.", "SMART-701"},
		{"par.required", 303, "invalid_request", "This client must push its request to /auth/par first.", "It is registered so.", "SMART-701"},
	}
}

// launchEntries are refusals of POST /auth/launch.
func launchEntries() []entry {
	return []entry{
		{"launch.denied", 403, "access_denied", "This client may not start launches.", "Have it registered with may_launch.", "SMART-201"},
		{"launch.type", 415, "invalid_request", "Send one POST with application/json, not compressed.", "Set Content-Type to application/json, without Content-Encoding.", "SMART-201"},
		{"launch.size", 413, "invalid_request", "Send at most 64 KiB.", "A launch names resources, it does not carry them.", "SMART-201"},
		{"launch.form", 400, "invalid_request", "Send one JSON object with client_id, patient, user, encounter, fhirContext, intent, need_patient_banner and style alone, each once and of its type.", "References are strings such as Patient/id; need_patient_banner is true or false; style is an object.", "SMART-201"},
		{"launch.member", 422, "invalid_request", "Member {name} cannot be used: it is malformed, unknown, or not visible to you.", "client_id: an active client with launch_uris and scope launch. patient and encounter: as you read them over FHIR. fhirContext: SMART 2.2, no national numbers. What is unknown and what is hidden get the same answer.", "SMART-201"},
	}
}

func tokenEntries() []entry {
	return []entry{
		{"token.none", 401, "invalid_token", "Send Authorization: Bearer.", "The token goes into the Authorization header alone.", "SMART-601"},
		{"token.invalid", 401, "invalid_token", "The token is unknown, expired or withdrawn.", "Get a new token.", "SMART-601"},
		{"token.twice", 400, "invalid_request", "Send one Authorization header.", "Bearer and DPoP do not go together.", "SMART-602"},
		{"token.scope", 403, "insufficient_scope", "This needs {name}.", "Ask for a token with that scope.", "SMART-601"},
		{"state.down", 503, "temporarily_unavailable", "Try again in a second.", "The server's state cannot be reached; nothing is served without it.", "SMART-512"},
		{"server.error", 500, "server_error", "The server failed. Name the X-Request-Id to the operator.", "The operator finds the request id in the log.", "SMART-305"},
	}
}

// indexed returns the catalogue by rule, with {base} filled in.
func indexed(base string) map[string]entry {
	m := map[string]entry{}
	for _, e := range catalogue() {
		e.text = strings.ReplaceAll(e.text, "{base}", base)
		m[e.rule] = e
	}
	return m
}
