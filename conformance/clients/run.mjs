// Runs the flows that are named on the command line (none: all) and prints one JSON line for each.
// Reads what they need from standard input: {base, app, client, trouble, child, stranger, shots, limit}, limit being that of one flow in ms.
import { chromium } from 'playwright-core'
import { Site, watcher } from './lib.mjs'
import * as client from './flows/client.mjs'
import * as ehr from './flows/ehr.mjs'
import * as emergency from './flows/emergency.mjs'
import * as guide from './flows/guide.mjs'
import * as misuse from './flows/misuse.mjs'
import * as node from './flows/node.mjs'
import * as own from './flows/own.mjs'
import * as register from './flows/register.mjs'
import * as reach from './flows/reach.mjs'
import * as sdc from './flows/sdc.mjs'
import * as screens from './flows/screens.mjs'

const all = { ...misuse.flows, ...client.flows, ...ehr.flows, ...emergency.flows, ...node.flows, ...reach.flows, ...register.flows, ...own.flows, ...sdc.flows, ...screens.flows, ...guide.flows }

const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
]

process.on('unhandledRejection', () => {}) // what a flow that has ended still waited for

let input = ''
for await (const chunk of process.stdin) input += chunk
const config = JSON.parse(input)
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: flags })
const watch = await watcher(browser, config)
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(all)
for (const name of wanted) {
  const site = new Site(browser, config, watch)
  const start = performance.now()
  const line = { flow: name, version: browser.version() }
  try {
    await inTime(all[name](site))
  } catch (err) {
    line.error = err.stack ?? String(err)
    line.pages = await Promise.all(site.contexts.flatMap((c) => c.pages().map(told)))
  }
  line.looked = site.looked
  line.ms = Math.round(performance.now() - start)
  console.log(JSON.stringify(line))
  await site.close()
}
await browser.close()

/** inTime waits for a flow, and fails it when it takes longer than a flow may. */
async function inTime(flow) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the flow took longer than ${config.limit} ms`)), config.limit)
  })
  try {
    await Promise.race([flow, late])
  } finally {
    clearTimeout(timer)
  }
}

/** told is where a tab stands and what it says. */
async function told(page) {
  return `${page.url().split('?')[0]} ${(await page.locator('body').innerText()).slice(0, 200)}`
}
