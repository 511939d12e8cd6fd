// The flows of an app that uses fhirclient.
import assert from 'node:assert/strict'
import { readScope } from '../lib.mjs'

/** readsPlan holds what an app with the consent of a parent sees of the child. */
async function readsPlan(site, page) {
  assert.equal(await page.title(), `OK ${site.child}`)
  const seen = await page.evaluate(async () => ({
    patient: await client.patient.read(),
    plans: await client.request(`CarePlan?patient=${client.patient.id}`, { flat: true }),
    own: await client.patient.request('CarePlan', { flat: true }),
    user: await client.user.read(),
  }))
  assert.equal(seen.user.resourceType, 'RelatedPerson')
  assert.equal(seen.patient.name[0].given[0], 'Boris')
  const plans = seen.plans.filter((r) => r.resourceType === 'CarePlan')
  assert.ok(plans.length > 0, 'no care plan')
  assert.ok(plans.every((p) => p.subject.reference.endsWith(`Patient/${site.child}`)))
  assert.ok(seen.own.length > 0, 'no care plan by the compartment of the child')
  const read = await site.get(page, `CarePlan/${plans[0].id}`)
  assert.equal(read.status, 200)
}

/** isOthers holds that another child is as absent as one that never was. */
async function isOthers(site, page) {
  for (const path of [`Patient/${site.stranger}`, 'Patient/00000000-0000-5000-8000-000000000000']) {
    const { status, body } = await site.get(page, path)
    assert.equal(status, 404, path)
    assert.equal(body.resourceType, 'OperationOutcome')
  }
  const found = await site.get(page, `CarePlan?patient=${site.stranger}`)
  assert.ok(found.status === 404 || (found.status === 200 && !found.body.entry?.some((e) => e.search.mode === 'match')))
}

const tokens = (page) => page.evaluate(() => client.state.tokenResponse)

export const flows = {
  async 'EXT-01 a parent permits an app to read for three months'(site) {
    const page = await site.page()
    await site.connect(page, { pkce: 'required' })
    const answer = await tokens(page)
    assert.equal(answer.scope, readScope)
    assert.ok(answer.refresh_token && answer.id_token, 'a token is missing')
    await readsPlan(site, page)
    await isOthers(site, page)
    const parent = await page.context().newPage()
    await site.apps(parent)
    const end = new Date(Date.now() + 90 * 24 * 3600 * 1000)
    const until = new Intl.DateTimeFormat('nl-NL', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'Europe/Amsterdam' })
    assert.ok((await parent.locator('main').innerText()).includes(until.format(end)), `not until ${until.format(end)}`)
    await site.stopApps(parent)
  },

  async 'EXT-02 the app refreshes twice and is stopped'(site) {
    const page = await site.page()
    await site.connect(page)
    let before = await tokens(page)
    for (const time of ['first', 'second']) {
      const after = (await page.evaluate(() => client.refresh())).tokenResponse
      assert.notEqual(after.access_token, before.access_token, time)
      assert.notEqual(after.refresh_token, before.refresh_token, time)
      assert.equal(after.patient, site.child, time)
      assert.ok(after.scope.split(' ').includes('offline_access'), time)
      before = after
    }
    await readsPlan(site, page)

    assert.ok((await site.stopApps(await page.context().newPage())) > 0, 'the app is not on the page')
    const read = await site.get(page, `Patient/${site.child}`)
    assert.equal(read.status, 401)
    assert.match(read.challenge, /invalid_token/)
    await assert.rejects(page.evaluate(() => client.refresh()))
    await assert.rejects(page.evaluate(() => client.patient.read()))
  },

  async 'EXT-04 an app asks for one category and gets less than it asked'(site) {
    const category = 'patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs'
    const page = await site.page()
    await site.toConsent(page, { scope: `launch/patient openid fhirUser patient/Patient.r patient/CarePlan.rs ${category}` })
    const groups = await page.locator('input[name=group]').all()
    const values = await Promise.all(groups.map((box) => box.getAttribute('value')))
    assert.ok(values.includes('plan') && groups.length >= 2, `the page offers ${values}`)
    for (const [i, box] of groups.entries()) if (values[i] !== 'plan') await box.check()
    await page.getByRole('button', { name: 'Toestaan' }).click()
    assert.equal(await site.back(page), `OK ${site.child}`)
    const { scope } = await tokens(page)
    assert.ok(scope.split(' ').includes(category), scope)
    assert.ok(!scope.includes('CarePlan'), scope)
    const found = await site.get(page, `Observation?patient=${site.child}&_count=100`)
    assert.equal(found.status, 200)
    const categories = found.body.entry.map((e) => e.resource.category.flatMap((c) => c.coding.map((x) => x.code)))
    assert.ok(categories.length > 0 && categories.every((codes) => codes.includes('vital-signs')), JSON.stringify(categories))
    const plans = await site.get(page, `CarePlan?patient=${site.child}`)
    assert.equal(plans.status, 403)
    await site.stopApps(await page.context().newPage())
  },

  async 'EXT-05 a parent refuses'(site) {
    const page = await site.page()
    const asked = await site.toConsent(page)
    await page.getByRole('button', { name: 'Weigeren' }).click()
    await page.getByRole('link', { name: 'Terug naar de app' }).click()
    assert.match(await site.back(page), /^ERR access_denied/)
    const answer = new URL(page.url()).searchParams
    assert.equal(answer.get('error'), 'access_denied')
    assert.equal(answer.get('state'), asked.get('state'))
    assert.equal(answer.get('iss'), site.base)
    assert.equal(answer.get('code'), null)
  },
}
