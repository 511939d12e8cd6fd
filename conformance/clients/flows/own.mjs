// The page of our own, /app/: a parent reads the plan of the child on a phone and stops it.
import assert from 'node:assert/strict'
import { look } from './screens.mjs'

export const flows = {
  async 'a parent reads the plan on our own page and stops it'(site) {
    const page = await site.page()
    const noise = []
    page.on('pageerror', (err) => noise.push(err.message))
    page.on('console', (m) => { if (/Content Security Policy|Refused to/.test(m.text())) noise.push(m.text()) })
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
    assert.match(await log.innerText(), /U keek zelf \d+ keer/)
    await look(site, page, 'nl', 'own-plan')

    await page.getByRole('link', { name: 'Bekijk of stop uw toestemmingen' }).click()
    await page.waitForURL(/\/auth\/apps/)
    assert.equal(await site.stopApps(page), 1)
    await page.goto(`${site.base}/app/`)
    await page.getByRole('heading', { name: 'Log opnieuw in' }).waitFor()
    assert.ok(!(await page.locator('main').innerText()).includes('Boris'), 'the plan is still on the page')
    assert.deepEqual(noise, [])
  },
}
