// Package decide owns the decision tables of verwijsboom and beslisboom (mks.md 5): which outcomes follow from
// which answers. Whoever checks them needs to read no code but the rows.
package decide
