// The page of our own, /app/: a parent reads the plan of the child on a phone and stops it.
import assert from 'node:assert/strict'
import { look } from './screens.mjs'

/** rare are rows of the log that the demo does not make: an emergency, and two that were refused. */
const rare = [
  { outcome: '0', purpose: 'BTG', role: 'professional', name: 'Eva Voorbeeld', org: 'Spoedpost Voorbeeld', detail: [{ type: 'reden', valueString: 'Bewusteloos binnengebracht' }] },
  { outcome: '4', role: 'system', name: 'Planner', org: 'Vervoer Voorbeeld' }, { outcome: '0', role: 'guardian' },
]

/** withRare puts the rare rows before those of the server. */
async function withRare(route) {
  const answer = await route.fetch()
  const bundle = await answer.json()
  const coded = (code) => [{ coding: [{ code }] }]
  bundle.entry.unshift(...rare.map((r) => ({ resource: {
    resourceType: 'AuditEvent', action: 'E', recorded: new Date().toISOString(), outcome: r.outcome, purposeOfEvent: r.purpose && coded(r.purpose),
    agent: [{ requestor: true, name: r.name, role: coded(r.role) }, { requestor: false, who: { display: r.org } }],
    entity: [{ what: { reference: 'Patient/x' }, detail: r.detail }, { what: { type: 'CarePlan' }, lifecycle: { code: '6' } }],
  } })))
  await route.fulfill({ response: answer, json: bundle })
}

export const flows = {
  async 'a parent reads the plan on our own page and stops it'(site) {
    const page = await site.page()
    const noise = []
    page.on('pageerror', (err) => noise.push(err.message))
    page.on('console', (m) => { if (/Content Security Policy|Refused to/.test(m.text())) noise.push(m.text()) })
    await page.route('**/fhir/AuditEvent?*', withRare)
    await page.goto(`${site.base}/app/`)
    await page.getByRole('button', { name: 'Inloggen' }).waitFor()
    await look(site, page, 'nl', 'own-start')
    await page.getByRole('button', { name: 'Inloggen' }).click()
    await page.waitForURL(/\/auth\/login/)
    await site.login(page)
    await site.chooseChild(page)
    await site.consent(page, { duration: '' }) // it asks for now alone
    await page.getByRole('heading', { level: 1, name: 'Zorgplan van Boris' }).waitFor()
    assert.equal(new URL(page.url()).search, '', 'the code stays in the address')
    await page.getByText('U ziet dit omdat u gezag heeft over Boris').waitFor()
    for (const name of ['De dag van Boris', /^Gezondheid/, /^Wat is er veranderd/]) {
      assert.ok(await page.getByRole('heading', { name }).first().isVisible(), `no ${name}`)
    }
    const log = page.locator('#wie-keek')
    await log.getByText('Kinderthuiszorg Voorbeeld').first().waitFor()
    for (const text of [/U keek zelf \d+ keer/, /Er was noodtoegang/, /Reden: “Bewusteloos binnengebracht”/, /Geweigerd Wilde kijken/, /Een andere ouder of voogd/]) {
      assert.match(await log.innerText(), text)
    }
    await look(site, page, 'nl', 'own-plan')

    await page.getByRole('link', { name: 'Bekijk of stop uw toestemmingen' }).click()
    await page.waitForURL(/\/auth\/apps/)
    assert.equal(await site.stopApps(page), 1)
    await page.goto(`${site.base}/app/`)
    await page.getByRole('heading', { name: 'Log opnieuw in' }).waitFor()
    assert.ok(!(await page.locator('main').innerText()).includes('Boris'), 'the plan is still on the page')
    assert.deepEqual(noise, [])
  },

  async 'from the page of apps to who looked'(site) { // it is not connected there: it logs in by itself
    const page = await site.page()
    await site.apps(page)
    await page.getByRole('link', { name: 'Bekijk wie er keek' }).click()
    await page.waitForURL(/\/auth\/child/)
    await site.chooseChild(page)
    await site.consent(page, { duration: '' })
    const log = page.locator('#wie-keek')
    await log.getByText('Kinderthuiszorg Voorbeeld').first().waitFor()
    assert.equal(new URL(page.url()).hash, '#wie-keek')
    assert.ok(await log.getByRole('heading', { level: 2 }).evaluate((e) => e === document.activeElement), 'the reader is not brought to the log')
    await site.stopApps(page)
  },
}
