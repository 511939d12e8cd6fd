// A server where the operator lets apps register themselves, and people log in elsewhere.
import assert from 'node:assert/strict'
import { importJWK } from 'jose'
import * as oidc from 'openid-client'
import { look } from './screens.mjs'

const insecure = { execute: [oidc.allowInsecureRequests] } // loopback
const scope = 'launch/patient patient/Patient.r'

/** register makes a client with the initial access token of the operator. */
function register(site, metadata, auth) {
  return oidc.dynamicClientRegistration(new URL(site.openBase), metadata, auth, { ...insecure, initialAccessToken: site.initial })
}

/** refused holds that a registration fails with an error of RFC 7591. */
async function refused(site, metadata, error, initial = site.initial) {
  await assert.rejects(
    oidc.dynamicClientRegistration(new URL(site.openBase), metadata, undefined, { ...insecure, initialAccessToken: initial }),
    (err) => err.error === error || JSON.stringify(err.cause ?? '').includes(error), error,
  )
}

/** toLogin goes to the login page as an app that has registered itself sends the browser there. */
async function toLogin(site, page) {
  const config = await register(site, { client_name: 'Nieuwe app', redirect_uris: [`${site.app}/node`], token_endpoint_auth_method: 'none', scope }, oidc.None())
  const verifier = oidc.randomPKCECodeVerifier()
  await page.goto(String(oidc.buildAuthorizationUrl(config, {
    redirect_uri: `${site.app}/node`, scope, aud: `${site.openBase}/fhir`, state: oidc.randomState(),
    code_challenge: await oidc.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
  })))
  await page.waitForURL(/\/auth\/login/)
}

/** elsewhere sees the login page with its buttons, and what it says when a provider does not answer. */
async function elsewhere(site, lang) {
  const page = await site.page({ locale: lang })
  await toLogin(site, page)
  const text = await page.locator('main').innerText()
  assert.match(text, /Nieuwe app/)
  assert.match(text, new RegExp(new URL(site.app).host), 'the page does not say where it leads back')
  const buttons = page.locator('main .buttons a.button')
  assert.equal(await buttons.count(), 2)
  await look(site, page, lang, 'login-elsewhere')
  while (!await page.evaluate(() => document.activeElement.matches('main a.button, main input'))) await page.keyboard.press('Tab')
  assert.ok(await buttons.first().evaluate((e) => e === document.activeElement), 'the buttons do not come before the form')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').waitFor()
  if (lang !== 'nl') return
  await look(site, page, lang, 'login-elsewhere-failed')
  await page.goto(`${site.openBase}/auth/apps`)
  await page.waitForURL(/\/auth\/login/)
  await look(site, page, lang, 'login-apps')
}

export const flows = {
  async 'SMART-721 openid-client registers an app and a backend'(site) {
    const { alg, ...jwk } = JSON.parse(site.keyES384)
    const key = { key: await importJWK({ ...jwk, alg }, alg), kid: jwk.kid }
    const { d, ...open } = jwk
    const backend = await register(site, {
      client_name: 'Nieuw systeem', grant_types: ['client_credentials'], token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [open] }, scope: 'system/Patient.r',
    }, oidc.PrivateKeyJwt(key))
    const token = await oidc.clientCredentialsGrant(backend, { scope: 'system/Patient.r system/CarePlan.rs' })
    assert.equal(token.scope, 'system/Patient.r')
    const about = await oidc.tokenIntrospection(backend, token.access_token)
    assert.equal(about.client_id, backend.clientMetadata().client_id)

    const app = (await register(site, { client_name: 'App met geheim', redirect_uris: [`${site.app}/node`], scope }, undefined)).clientMetadata()
    assert.match(app.client_secret, /^drs_/)
    assert.deepEqual([app.token_endpoint_auth_method, app.scope, app.grant_types], ['client_secret_basic', scope, ['authorization_code']])

    const right = { client_name: 'App', redirect_uris: [`${site.app}/node`], token_endpoint_auth_method: 'none', scope }
    await refused(site, { ...right, scope: 'patient/CarePlan.cruds' }, 'invalid_client_metadata')
    await refused(site, { ...right, software_statement: 'e30.e30.AA' }, 'invalid_client_metadata')
    await refused(site, { ...right, redirect_uris: ['http://evil.example/back'] }, 'invalid_redirect_uri')
    await refused(site, right, 'invalid_token', `dri_${'A'.repeat(43)}`)
    await assert.rejects( // off by default: discovery does not name it
      oidc.dynamicClientRegistration(new URL(site.base), right, undefined, { ...insecure, initialAccessToken: site.initial }), /registration_endpoint/,
    )
    assert.equal((await fetch(`${site.base}/auth/register`, { method: 'POST', body: '{}' })).status, 404)
  },
  ...Object.fromEntries(['nl', 'sv', 'en'].map((lang) => [`the login page with logins elsewhere in ${lang}`, (site) => elsewhere(site, lang)])),
}
