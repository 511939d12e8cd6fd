// Package docs embeds the pages for integrators that the server shows too.
package docs

import _ "embed"

// FirstTransfer is the page for who sends a transfer for the first time, as Markdown. A test runs its
// commands.
//
//go:embed first-transfer.md
var FirstTransfer string

// FirstTransferTitle is its title, which the first line repeats.
const FirstTransferTitle = "Send your first transfer"
