// Package docs embeds the pages for integrators that the server shows too.
package docs

import _ "embed"

//go:embed first-transfer.md
var firstTransfer string

//go:embed pull.md
var pull string

//go:embed coordinate.md
var coordinate string

// Page is a page for integrators. A test runs its commands.
type Page struct {
	Path  string // of its address, below that of the guide
	Title string // which the first line of the text repeats
	Key   string // of the phrase that links to it
	Text  string // Markdown
}

// Pages are all of them, in the order in which they are of use.
func Pages() []Page {
	return []Page{
		{Path: "first-transfer", Title: "Send your first transfer", Key: "first", Text: firstTransfer},
		{Path: "pull", Title: "Pull, and be told of changes", Key: "pull", Text: pull},
		{Path: "coordinate", Title: "Coordinate the care of a child", Key: "coordinate", Text: coordinate},
	}
}

// Named returns the page of a path; false when there is none.
func Named(path string) (Page, bool) {
	for _, p := range Pages() {
		if p.Path == path {
			return p, true
		}
	}
	return Page{}, false
}
