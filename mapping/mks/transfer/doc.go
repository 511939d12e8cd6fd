// Package transfer maps the record overdracht (mks.md 3.8): the Composition with its sections, what they hold,
// and the Task by which the receiver takes over.
package transfer
