// Ends the launch. The title tells the test how it went; window.client is the client of fhirclient.
try {
  window.client = await FHIR.oauth2.ready()
  document.title = `OK ${window.client.patient.id}`
} catch (err) {
  document.title = `ERR ${err.message}`
}
