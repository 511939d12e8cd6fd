// Starts a standalone launch. The test says in the query what to ask.
const asked = new URLSearchParams(location.search)
FHIR.oauth2.authorize({
  iss: asked.get('iss'),
  clientId: asked.get('client_id'),
  scope: asked.get('scope'),
  redirectUri: new URL('/app.html', location.href).href,
  ...(asked.has('pkce') && { pkceMode: asked.get('pkce') }),
})
