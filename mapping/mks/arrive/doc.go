// Package arrive is what happens when the kind record of a child comes after other records of its source
// (mks.md 2.5): their logical references become literal, the rules that waited run, and what is wrong becomes a
// question to the sender.
package arrive
