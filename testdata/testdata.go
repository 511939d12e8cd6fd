// Package testdata embeds our own fictional records for the demo and for tests.
package testdata

import "embed"

// Records holds the source records: mks/<child>/<file>.json, and of samordningsplan the valid ones, what
// they become, and the invalid ones with what is told of them.
//
//go:embed mks samordningsplan
var Records embed.FS
