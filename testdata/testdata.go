// Package testdata embeds our own fictional records for the demo and for tests.
package testdata

import "embed"

// Records holds the source records: mks/<child>/<file>.json.
//
//go:embed mks
var Records embed.FS
