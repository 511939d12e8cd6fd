// The published pages at /ig/, which anybody may read: axe-core finds nothing, the keyboard reaches what
// there is, nothing is wider than the window, in the light and in the dark.
import assert from 'node:assert/strict'
import { look } from './screens.mjs'

const pages = [
  ['nl', '', 'index'], ['sv', 'Questionnaire/mks-ontslaggereedheid', 'questionnaire'], ['en', 'StructureDefinition/mks-beslisboom-antwoord', 'profile'],
  ['en', 'first-transfer', 'first'], ['nl', 'ConceptMap/mks-naar-zorgleefplan', 'map'],
]

async function published(site) {
  const page = await site.page({ colorScheme: 'light' })
  for (const [lang, path, name] of pages) {
    await page.goto(`${site.base}/ig/${path}?lang=${lang}`)
    await look(site, page, lang, `ig-${name}`)
  }
  const dark = await site.page({ colorScheme: 'dark', locale: 'en-GB', javaScriptEnabled: true })
  await dark.goto(`${site.base}/ig/CodeSystem/behoefte-niveau`)
  await look(site, dark, 'en', 'ig-dark')
  await dark.keyboard.press('Tab')
  assert.equal(await dark.evaluate(() => document.activeElement.className), 'skip')
  await dark.keyboard.press('Enter')
  await dark.keyboard.press('Tab')
  assert.match(await dark.evaluate(() => document.activeElement.href), /behoefte-niveau\.json|ValueSet/)
}

export const flows = { 'the published pages at 320 and 1280 px': published }
