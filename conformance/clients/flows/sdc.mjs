// A form library of others prefills our forms from our server: it must find what $populate finds.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { populateQuestionnaire } from '@aehrc/sdc-populate'
import { SignJWT, importJWK } from 'jose'

/** backend returns a fetch of JSON below the FHIR base, with the token of a home-care system. */
async function backend(site) {
  const key = JSON.parse(site.keyES384)
  const tokenUrl = `${site.base}/auth/token`
  const assertion = await new SignJWT({ jti: crypto.randomUUID() }).setProtectedHeader({ alg: 'ES384', kid: key.kid })
    .setIssuer('medplum').setSubject('medplum').setAudience(tokenUrl).setIssuedAt().setExpirationTime('5m').sign(await importJWK(key, 'ES384'))
  const answer = await fetch(tokenUrl, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials', scope: 'system/*.cruds', client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    }),
  })
  const { access_token: token } = await answer.json()
  return async (path, body) => {
    const headers = { authorization: `Bearer ${token}`, accept: 'application/fhir+json' }
    if (body) headers['content-type'] = 'application/fhir+json'
    const res = await fetch(`${site.base}/fhir/${path}`, { headers, method: body ? 'POST' : 'GET', body: body && JSON.stringify(body) })
    assert.equal(res.status, 200, `${path} answers ${res.status}`)
    return res.json()
  }
}

/** answers are the answers of a response by linkId. */
function answers(items, out = {}) {
  for (const item of items ?? []) {
    if (item.answer) out[item.linkId] = item.answer.map(({ item: below, ...value }) => value)
    answers(item.item, out)
  }
  return out
}

export const flows = {
  async 'SDC @aehrc/sdc-populate prefills as $populate does'(site) {
    const get = await backend(site)
    const patient = await get(`Patient/${site.child}`)
    const subject = { name: 'subject', valueReference: { reference: `Patient/${site.child}` } }
    for (const name of ['verwijsboom', 'hulpbehoeftescan', 'beslisboom']) {
      const questionnaire = JSON.parse(await readFile(new URL(`../../artifacts/Questionnaire-${name}.json`, import.meta.url)))
      const theirs = await populateQuestionnaire({
        questionnaire, patient,
        fetchResourceCallback: (query) => get(query), fetchResourceRequestConfig: { sourceServerUrl: `${site.base}/fhir` },
        fetchTerminologyCallback: (query) => get(query), fetchTerminologyRequestConfig: { terminologyServerUrl: `${site.base}/fhir` },
      })
      assert.ok(theirs.populateSuccess, `${name}: the library prefills nothing`)
      const ours = await get(`Questionnaire/mks-${name}/$populate`, { resourceType: 'Parameters', parameter: [subject] })
      const prefilled = answers(ours.parameter.find((p) => p.name === 'response').resource.item)
      assert.deepEqual(prefilled, answers(theirs.populateResult.populatedResponse.item), name)
      assert.ok(Object.keys(prefilled).length >= 3, `${name}: only ${Object.keys(prefilled)}`)
    }
  },
}
