// The flows of clients that run on a server: no browser, the parent fills the forms of the pages.
import assert from 'node:assert/strict'
import smart from 'fhirclient'
import { MedplumClient } from '@medplum/core'
import { SignJWT, importJWK } from 'jose'
import * as oidc from 'openid-client'

const scope = 'launch/patient openid fhirUser offline_access patient/Patient.rs patient/CarePlan.rs'

/** Parent is a person with the cookies of a browser, who reads pages as text. */
class Parent {
  constructor(site) {
    this.site = site
    this.cookies = new Map()
  }

  /** open follows redirects within the server and keeps the last page. */
  async open(url, init = {}) {
    const res = await fetch(url, {
      ...init, redirect: 'manual',
      headers: { ...init.headers, cookie: [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    })
    for (const line of res.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
      this.cookies.set(name, value)
    }
    const to = res.headers.get('location')
    if (to) return this.open(new URL(to, url))
    assert.equal(res.status, 200, `${new URL(url).pathname} answers ${res.status}`)
    this.url = String(url)
    this.page = await res.text()
  }

  /** send fills the form of the page: its hidden fields, and pairs of name and value. */
  async send(...pairs) {
    const body = new URLSearchParams(pairs)
    for (const [, name, value] of this.page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)) body.append(name, plain(value))
    const [, action] = /<form method="post" action="([^"]*)">/.exec(this.page)
    await this.open(new URL(plain(action), this.url), { method: 'POST', body, headers: { origin: this.site.base } })
  }

  /** permit goes from the address of the authorisation request to the one that leads back to the app. */
  async permit(url) {
    await this.open(url)
    await this.send(['login', 'ouder1'], ['password', 'demo'])
    const [, child] = /name="child"[^>]* value="([^"]*)"/.exec(this.page)
    await this.send(['child', plain(child)])
    const groups = [...this.page.matchAll(/name="group" value="([^"]*)"/g)].map(([, group]) => ['group', group])
    await this.send(['decision', 'allow'], ['duration', '3m'], ...groups)
    const [, back] = /<a class="button" href="([^"]*)">/.exec(this.page)
    return new URL(plain(back))
  }

  /** stop withdraws what was permitted, for the flows that follow. */
  async stop() {
    await this.open(`${this.site.base}/auth/apps`)
    for (const [, link] of this.page.matchAll(/href="([^"]*[?]stop=[^"]*)"/g)) {
      await this.open(this.site.base + plain(link))
      await this.send()
    }
  }
}

/** withParent runs a flow in which a parent permits something, and stops it after. */
async function withParent(site, flow) {
  const parent = new Parent(site)
  try {
    await flow((url) => parent.permit(url))
  } finally {
    await parent.stop()
  }
}

/** plain undoes the escapes of an attribute. */
function plain(text) {
  const named = { amp: '&', quot: '"', lt: '<', gt: '>' }
  return text.replace(/&(?:#(\d+)|(\w+));/g, (all, code, name) => (code ? String.fromCodePoint(Number(code)) : named[name] ?? all))
}

/** key reads one of the keys of the driver. */
async function key(site, name) {
  const jwk = JSON.parse(site[name])
  return { key: await importJWK(jwk, jwk.alg), kid: jwk.kid }
}

const discover = (site, id, auth) =>
  oidc.discovery(new URL(site.base), id, undefined, auth, { execute: [oidc.allowInsecureRequests] })

/** request is what a client with PKCE asks for, and what it checks of the answer. */
async function request(site) {
  const checks = { pkceCodeVerifier: oidc.randomPKCECodeVerifier(), expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce() }
  return { checks, parameters: {
    redirect_uri: site.serverBack, scope, aud: `${site.base}/fhir`, state: checks.expectedState, nonce: checks.expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256',
  } }
}

/** backend holds what a system without a user does with openid-client. */
async function backend(site, name) {
  const config = await discover(site, `backend-${name}`, oidc.PrivateKeyJwt(await key(site, name)))
  const token = await oidc.clientCredentialsGrant(config, { scope: 'system/Patient.rs' })
  assert.equal(token.scope, 'system/Patient.rs')
  assert.equal(token.token_type, 'bearer') // openid-client writes it so
  const patient = new URL(`${site.base}/fhir/Patient/${site.child}`)
  assert.equal((await oidc.fetchProtectedResource(config, token.access_token, patient, 'GET')).status, 200)
  const about = await oidc.tokenIntrospection(config, token.access_token)
  assert.equal(about.active, true)
  assert.equal(about.client_id, `backend-${name}`)
  await oidc.tokenRevocation(config, token.access_token)
  assert.deepEqual(await oidc.tokenIntrospection(config, token.access_token), { active: false })
  await assert.rejects(oidc.fetchProtectedResource(config, token.access_token, patient, 'GET'))
}

/** confidential holds the code flow and refresh of an app that authenticates. */
async function confidential(site, permit, id, auth) {
  const config = await discover(site, id, auth)
  const { checks, parameters } = await request(site)
  const back = await permit(oidc.buildAuthorizationUrl(config, parameters))
  const foreign = new URL(back)
  foreign.searchParams.set('iss', 'https://evil.example')
  await assert.rejects(oidc.authorizationCodeGrant(config, foreign, checks))

  const first = await oidc.authorizationCodeGrant(config, back, { ...checks, idTokenExpected: true })
  assert.equal(first.patient, site.child)
  assert.match(first.claims().fhirUser, /\/fhir\/RelatedPerson\//)
  const second = await oidc.refreshTokenGrant(config, first.refresh_token)
  assert.notEqual(second.access_token, first.access_token)
  assert.notEqual(second.refresh_token, first.refresh_token)
  assert.equal(second.scope, first.scope)
  const read = await oidc.fetchProtectedResource(config, second.access_token, new URL(`${site.base}/fhir/Patient/${site.child}`), 'GET')
  assert.equal(read.status, 200)
  await oidc.tokenRevocation(config, second.refresh_token)
  await assert.rejects(oidc.refreshTokenGrant(config, second.refresh_token), { error: 'invalid_grant' })
}

/** Memory is where fhirclient keeps its state. */
class Memory {
  constructor() { this.kept = {} }
  async get(name) { return this.kept[name] }
  async set(name, value) { return (this.kept[name] = value) }
  async unset(name) { return delete this.kept[name] }
}

/** visit calls fhirclient as a page of a server would. */
function visit(url, storage) {
  const to = { redirected: '' }
  const response = { headersSent: false, writeHead: (_, headers) => { to.redirected = headers.location ?? headers.Location }, end: () => {} }
  const { host, pathname, search } = new URL(url)
  return { to, smart: smart({ headers: { host }, url: pathname + search, socket: {} }, response, storage) }
}

/** fhirclient holds the code flow of fhirclient on a server. */
async function fhirclient(site, permit) {
  const storage = new Memory()
  const start = visit(site.serverBack, storage)
  await start.smart.authorize({
    iss: `${site.base}/fhir`, clientId: 'fhirclient-jwt', scope, redirectUri: site.serverBack, pkceMode: 'required',
    clientPrivateJwk: { ...JSON.parse(site.keyES384), key_ops: ['sign'] },
  })
  const back = await permit(start.to.redirected)
  const client = await visit(back, storage).smart.ready()
  assert.equal((await client.patient.read()).id, site.child)
  assert.ok(client.state.tokenResponse.refresh_token, 'no refresh token')
  // It sends no assertion when it refreshes; a client that has a key must not get by without.
  await assert.rejects(client.refresh(), /invalid_client/)
}

/** bound holds PAR and DPoP: a token is good for nothing without its key. */
async function bound(site, permit) {
  const config = await discover(site, 'bound', oidc.None())
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
  const { checks, parameters } = await request(site)
  const url = await oidc.buildAuthorizationUrlWithPAR(config, parameters, { DPoP })
  assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri'])
  const back = await permit(url)
  const first = await oidc.authorizationCodeGrant(config, back, checks, undefined, { DPoP })
  assert.equal(first.token_type, 'dpop')
  const plans = new URL(`${site.base}/fhir/CarePlan?patient=${site.child}`)
  const read = (token, options) => oidc.fetchProtectedResource(config, token, plans, 'GET', undefined, undefined, options)
  for (const time of ['first', 'second']) {
    const res = await read(first.access_token, { DPoP })
    assert.equal(res.status, 200, time)
    assert.ok((await res.json()).entry?.length > 0, 'no care plan')
  }
  const bearer = await fetch(plans, { headers: { authorization: `Bearer ${first.access_token}` } })
  assert.equal(bearer.status, 401)
  const other = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
  await assert.rejects(read(first.access_token, { DPoP: other }), (err) => /invalid_dpop_proof/.test(JSON.stringify(err.cause)))
  await assert.rejects(oidc.refreshTokenGrant(config, first.refresh_token, undefined, { DPoP: other }), { error: 'invalid_dpop_proof' })
  const second = await oidc.refreshTokenGrant(config, first.refresh_token, undefined, { DPoP })
  assert.equal((await read(second.access_token, { DPoP })).status, 200)
}

export const flows = {
  async 'EXT-06 fhirclient on a server, with a key of its own'(site) { await withParent(site, (permit) => fhirclient(site, permit)) },

  async 'EXT-07 a backend with an ES384 key'(site) { await backend(site, 'keyES384') },
  async 'EXT-07 a backend with an RS384 key'(site) { await backend(site, 'keyRS384') },

  async 'EXT-08 a confidential app with a secret'(site) {
    await withParent(site, (permit) => confidential(site, permit, 'server-secret', oidc.ClientSecretBasic(site.serverSecret)))
  },
  async 'EXT-08 a confidential app with private_key_jwt'(site) {
    const auth = oidc.PrivateKeyJwt(await key(site, 'keyES384'))
    await withParent(site, (permit) => confidential(site, permit, 'server-jwt', auth))
  },

  async 'EXT-09 an app that pushes its request and binds its tokens'(site) { await withParent(site, (permit) => bound(site, permit)) },

  async 'EXT-10 @medplum/core as a backend'(site) {
    const { key: signer, kid } = await key(site, 'keyES384')
    const tokenUrl = `${site.base}/auth/token`
    const assertion = await new SignJWT({ jti: crypto.randomUUID() }).setProtectedHeader({ alg: 'ES384', kid, typ: 'JWT' })
      .setIssuer('medplum').setSubject('medplum').setAudience(tokenUrl).setIssuedAt().setExpirationTime('5m').sign(signer)
    const medplum = new MedplumClient({ baseUrl: `${site.base}/`, fhirUrlPath: 'fhir', tokenUrl, fetch })
    await medplum.startJwtAssertionLogin(assertion)
    assert.ok(medplum.getAccessToken(), 'no access token')
    assert.equal((await medplum.readResource('Patient', site.child)).id, site.child)
  },
}
