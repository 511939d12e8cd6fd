// Every page in every language at the width of a phone and of a desk: axe-core finds nothing, nothing
// is wider than the window.
import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const widths = [320, 1280]

/** every rule of axe-core; laidOut are those whose verdict the width can change: the markup is the same at each. */
const every = { rules: { 'target-size': { enabled: true } } }
const laidOut = ['color-contrast', 'target-size', 'link-in-text-block', 'scrollable-region-focusable']

/** wide is what an app asks that needs every part of the consent page. */
const wide = 'launch/patient offline_access patient/Patient.rs patient/CarePlan.rs patient/Goal.rs patient/Observation.rs patient/Condition.rs'

/** look judges the page that a tab shows, and notes from which template it was made. */
export async function look(site, page, lang, name) {
  await page.evaluate(axe)
  const faults = []
  for (const width of widths) {
    await page.setViewportSize({ width, height: 800 })
    const seen = await page.evaluate(async (rules) => ({
      wide: document.documentElement.scrollWidth, lang: document.documentElement.lang,
      found: (await window.axe.run(document, { ...rules, resultTypes: ['violations'], preload: false })).violations
        .map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`),
    }), width === widths[0] ? every : { runOnly: { type: 'rule', values: laidOut } })
    if (seen.lang !== lang) faults.push(`language ${seen.lang}`)
    if (seen.wide > width) faults.push(`${seen.wide} px wide at ${width}`)
    faults.push(...seen.found.map((f) => `at ${width} ${f}`))
    if (site.shots) {
      await mkdir(site.shots, { recursive: true })
      await page.screenshot({ path: `${site.shots}/${name}-${lang}-${width}.png`, fullPage: true })
    }
  }
  const made = await page.evaluate(() => document.body.dataset.page)
  if (made) site.looked.push(`${made} ${lang}`)
  assert.deepEqual(faults, [], name)
}

/** walk opens a tab that sees pages, and holds that none of them asks for what is not there. */
async function walk(site, lang, pages) {
  const page = await site.page({ locale: lang })
  const missing = []
  page.on('response', (r) => { if (r.status() === 404) missing.push(r.url()) })
  await pages(site, page, (name) => look(site, page, lang, name))
  assert.deepEqual(missing, [], 'a page asks for what is not there')
}

/** toChoice goes from the app to the whole consent page. */
async function toChoice(site, page) {
  await site.chooseChild(page)
  const other = page.locator('main a[href*="choose=1"]') // another flow permitted this app before
  if (!await other.count()) return
  await other.click()
  await page.waitForURL(/choose=1/)
}

/** wayIn sees the pages before a parent permits. */
async function wayIn(site, page, see) {
  await page.goto(`${site.base}/auth/authorize?client_id=unknown`)
  await see('error-broken')
  await page.goto(`${site.base}/auth/consent?ixn=none`)
  await see('error-late')
  await site.launch(page, { scope: wide })
  await see('login')
  await page.fill('[autocomplete=username]', 'ouder1')
  await page.fill('[autocomplete=current-password]', 'verkeerd')
  await page.click('form button[type=submit]')
  await page.getByRole('alert').waitFor()
  await see('login-wrong')
  await site.login(page)
  await see('child')
  await toChoice(site, page)
  await see('consent')
  await page.locator('button[value=allow]').click()
  await page.getByRole('alert').waitFor()
  await page.locator('details summary').first().click()
  await see('consent-nothing')
}

/** afterwards sees the pages from the permission to its end. */
async function afterwards(site, page, see) {
  await site.launch(page, { scope: wide })
  await site.login(page)
  await toChoice(site, page)
  await page.route(`${site.app}/**`, (r) => r.fulfill({ status: 204 })) // the page that leads on stays
  for (const box of await page.locator('input[name=group]').all()) await box.check()
  await page.locator('input[name=duration][value="3m"]').check()
  await page.locator('button[value=allow]').click()
  await page.waitForSelector('meta[http-equiv=refresh]', { state: 'attached' })
  await see('continue')
  await page.unroute(`${site.app}/**`)
  await site.launch(page, { scope: wide })
  await site.chooseChild(page)
  await see('consent-again')
  await page.locator('button[value=refuse]').click()
  await page.locator('main a.button').waitFor()
  await see('refused')
  await page.goto(`${site.base}/auth/apps`)
  await see('apps')
  await page.locator('main .card a.button').first().click()
  await page.waitForURL(/stop=/)
  await see('withdraw')
  await page.click('form button[type=submit]')
  await page.waitForURL((u) => u.pathname === '/auth/apps' && !u.search)
  await see('apps-none')
  await page.goto(`${site.base}/auth/logout`)
  await see('logout')
  await page.click('form button[type=submit]')
  await page.waitForFunction(() => !document.forms.length)
  await see('logout-done')
}

/** plainPages sees those of the server itself, which are for developers. */
async function plainPages(site) {
  const page = await site.page({ locale: 'en' })
  for (const [path, name] of [['/', 'front'], ['/auth/errors', 'errors'], ['/demo/viewer/', 'viewer']]) {
    await page.goto(site.base + path)
    await look(site, page, 'en', name)
  }
}

export const flows = { 'the pages for developers': plainPages, ...Object.fromEntries(['nl', 'sv', 'en'].flatMap((lang) => [
  [`every page up to the consent in ${lang} at 320 and 1280 px`, (site) => walk(site, lang, wayIn)],
  [`every page from the consent on in ${lang} at 320 and 1280 px`, (site) => walk(site, lang, afterwards)],
])) }
