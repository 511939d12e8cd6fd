// The flows of an app that an EHR starts for a professional.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { look } from './screens.mjs'

/** launch asks the server for a launch, as the home-care system, and returns its answer. */
async function launch(site, client, more = {}) {
  const assertion = execFileSync(site.binary, [
    'client', 'assertion', '--client-id', 'demo-homecare', '--key', site.key, '--audience', `${site.base}/auth/token`,
  ]).toString().trim()
  const token = await fetch(`${site.base}/auth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials', scope: 'drieluik/launch', client_assertion: assertion,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    }),
  })
  assert.equal(token.status, 200)
  const { access_token } = await token.json()
  const res = await fetch(`${site.base}/auth/launch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${access_token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ client_id: client, patient: `Patient/${site.child}`, user: site.practitioner, ...more }),
  })
  return { status: res.status, ...await res.json() }
}

/** staffPage opens a tab that keeps the addresses it goes through. */
async function staffPage(site, secret, options) {
  const page = await site.page(options)
  await page.addInitScript((value) => { window.clientSecret = value }, secret)
  const seen = []
  page.on('framenavigated', (frame) => seen.push(new URL(frame.url()).pathname))
  return { page, seen }
}

async function login(page, user = 'zorgcoordinator') {
  await page.waitForURL(/\/auth\/login/)
  await page.fill('[autocomplete=username]', user)
  await page.fill('[autocomplete=current-password]', 'demo')
  await page.click('form button[type=submit]')
}

/** readsByRights holds what the app sees: the child in context, others as the organisation may. */
async function readsByRights(site, page) {
  const seen = await page.evaluate(async () => ({
    patient: await client.patient.read(),
    plans: await client.request(`CarePlan?patient=${client.patient.id}`, { flat: true }),
    user: await client.user.read(),
  }))
  assert.equal(seen.patient.name[0].given[0], 'Boris')
  assert.equal(seen.user.resourceType, 'Practitioner')
  assert.equal(`Practitioner/${seen.user.id}`, site.practitioner)
  assert.ok(seen.plans.some((r) => r.resourceType === 'CarePlan'), 'no care plan')
  assert.equal((await site.get(page, `Patient/${site.stranger}`)).status, 200, 'a child of the own organisation')
  for (const id of [site.hidden, '00000000-0000-5000-8000-000000000000']) {
    assert.equal((await site.get(page, `Patient/${id}`)).status, 404, 'a child of another organisation is as absent as none')
  }
}

/** asks holds that an app without skip_consent names the child and waits for a button. */
async function asks(site, locale, allow) {
  const { page } = await staffPage(site, site.askingSecret, { locale })
  await page.goto((await launch(site, site.asking)).launch_url)
  await login(page)
  await page.waitForURL(/\/auth\/consent/)
  assert.match(await page.locator('main').innerText(), /Boris/)
  await look(site, page, locale, 'staff')
  await page.route(`${site.app}/**`, (r) => r.fulfill({ status: 204 })) // the page that leads on stays
  await page.getByRole('button', { name: allow }).click()
  await page.waitForSelector('meta[http-equiv=refresh]', { state: 'attached' })
  await look(site, page, locale, 'opened')
}

/** stops sees what works in the name of the professional of a tab, and stops it by the keyboard alone. */
async function stops(site, page) {
  await page.goto(`${site.base}/auth/apps`)
  assert.match(await page.locator('main').innerText(), /Inkijk-app asking[\s\S]*Kinderthuiszorg Voorbeeld/)
  await look(site, page, 'nl', 'apps-staff')
  const own = page.getByRole('link', { name: /Inkijk-app asking/ }) // other windows may have opened other apps
  await own.focus() // by the keyboard alone
  await page.keyboard.press('Enter')
  await page.waitForURL(/stop=/)
  await look(site, page, 'nl', 'withdraw-staff')
  assert.deepEqual(await page.locator('.buttons > *').allInnerTexts(), ['Niet stoppen', 'Stoppen'])
  await page.locator('form button[type=submit]').focus()
  await page.keyboard.press('Enter')
  await page.waitForURL((u) => u.pathname === '/auth/apps' && !u.search)
  assert.equal(await own.count(), 0)
}

export const flows = {
  async 'EXT-03 an EHR starts an app at a child'(site) {
    const { page, seen } = await staffPage(site, site.viewerSecret)
    const style = { color_text: '#1a1a1a' }
    const started = await launch(site, site.viewer, { intent: 'show-plan', style, fhirContext: [{ reference: 'CarePlan/p1' }] })
    assert.equal(started.status, 201)
    assert.equal(started.expires_in, 300)
    await page.goto(started.launch_url)
    await login(page)
    assert.equal(await site.back(page), `OK ${site.child}`)
    assert.ok(!seen.includes('/auth/child'), 'the professional chose a child')
    const answer = await page.evaluate(() => client.state.tokenResponse)
    assert.equal(answer.need_patient_banner, true)
    assert.equal(answer.intent, 'show-plan')
    assert.deepEqual(answer.fhirContext, [{ reference: 'CarePlan/p1' }])
    assert.deepEqual(await page.evaluate(async (url) => (await fetch(url)).json(), answer.smart_style_url), style)
    await readsByRights(site, page)

    const after = await page.evaluate(async () => (await client.refresh()).tokenResponse)
    assert.notEqual(after.access_token, answer.access_token)
    assert.equal(after.patient, site.child)
    await readsByRights(site, page)

    const logins = seen.filter((p) => p === '/auth/login').length
    await page.goto((await launch(site, site.viewer)).launch_url)
    assert.equal(await site.back(page), `OK ${site.child}`)
    assert.equal(seen.filter((p) => p === '/auth/login').length, logins, 'the login does not hold')

    await page.goto(started.launch_url)
    assert.match(await site.back(page), /^ERR invalid_request/)
    for (const patient of [`Patient/${site.hidden}`, 'Patient/00000000-0000-5000-8000-000000000000']) {
      const refused = await launch(site, site.viewer, { patient })
      assert.equal(refused.status, 422)
      assert.match(refused.error_description, /^launch\.member: Member patient /)
    }
  },

  async 'a professional sees what works in their name and stops it'(site) {
    const { page } = await staffPage(site, site.askingSecret)
    await page.goto((await launch(site, site.asking)).launch_url)
    await login(page)
    await page.getByRole('button', { name: 'Toestaan' }).click()
    assert.equal(await site.back(page), `OK ${site.child}`)
    const { access_token } = await page.evaluate(() => client.state.tokenResponse)
    const read = async () => (await fetch(`${site.base}/fhir/Patient/${site.child}`, { headers: { authorization: `Bearer ${access_token}` } })).status
    assert.equal(await read(), 200)
    await stops(site, page)
    assert.equal(await read(), 401)
  },

  async 'EXT-03 an app opens for nobody but the user of the EHR'(site) {
    const { page } = await staffPage(site, site.viewerSecret)
    await page.goto((await launch(site, site.viewer)).launch_url)
    await login(page, 'ouder1')
    await page.getByRole('link', { name: 'Terug naar de app' }).waitFor()
    await look(site, page, 'nl', 'error-otheruser')
    await page.getByRole('link', { name: 'Terug naar de app' }).click()
    assert.match(await site.back(page), /^ERR access_denied/)
  },
  ...Object.fromEntries(Object.entries({ nl: 'Toestaan', sv: 'Tillåt', en: 'Allow' }).map(([locale, allow]) => [
    `EXT-03 an app that is not trusted asks the professional first, in ${locale}`, (site) => asks(site, locale, allow),
  ])),
}
