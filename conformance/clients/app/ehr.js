// Goes on where an EHR started the app: fhirclient takes iss and launch from the address. The test puts
// the secret of the client into the page.
const asked = new URLSearchParams(location.search)
FHIR.oauth2.authorize({
  clientId: asked.get('client_id'),
  clientSecret: window.clientSecret,
  scope: 'launch openid fhirUser online_access patient/Patient.r patient/CarePlan.rs user/Patient.rs user/CarePlan.rs',
  redirectUri: new URL('/app.html', location.href).href,
  pkceMode: 'required',
})
