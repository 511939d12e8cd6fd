// Package tree maps the records verwijsboom (mks.md 3.3) and beslisboom (3.7): the answers as forms, and what
// follows from their outcomes.
package tree
