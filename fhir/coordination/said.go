package coordination

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/drieluik/drieluik/fhir"
)

// Bounds of the reason why an issue needs no more, in characters.
const (
	MinReason = 10
	MaxReason = 500
)

// ReasonOK reports whether a text is a reason.
func ReasonOK(text string) bool {
	n := utf8.RuneCountInString(text)
	return utf8.ValidString(text) && n >= MinReason && n <= MaxReason
}

// byHand are the members of an issue that a person changes; the rest says what the rules found.
var byHand = map[string]bool{"meta": true, "text": true, "status": true, "mitigation": true}

// Said returns what a new version of an issue says in words was done about it since the one before, "" for nothing.
// False when it is no next version: it is about something else, takes back what was said, or says when it was done
// for a time to come.
func Said(before, after *fhir.Resource, now time.Time) (string, bool) {
	for n := range after.Root().Children() {
		if !byHand[n.Name()] && !fhir.Equal(n, before.Root().Member(n.Name())) {
			return "", false
		}
	}
	for n := range before.Root().Children() {
		if !byHand[n.Name()] && !after.Root().Member(n.Name()).Exists() {
			return "", false
		}
	}
	var old []fhir.Node
	for m := range before.Root().All("mitigation") {
		old = append(old, m)
	}
	said, i := "", 0
	for m := range after.Root().All("mitigation") {
		if i < len(old) {
			if !fhir.Equal(m, old[i]) {
				return "", false
			}
			i++
			continue
		}
		if at, ok := instant(m.Member("date").Text()); !ok || at.After(latest(m.Member("date").Text(), now)) {
			return "", false
		}
		if text := strings.TrimSpace(m.At("action", "text").Text()); ReasonOK(text) {
			said = text
		}
	}
	return said, i == len(old)
}

// grace is by how much the clocks of client and server may differ.
const grace = time.Minute

// latest is the last instant that a date of now can mean: a day means all of it.
func latest(text string, now time.Time) time.Time {
	if len(text) > len(time.DateOnly) {
		return now.Add(grace)
	}
	return now.AddDate(0, 0, 2)
}

// IsSettled reports whether somebody says that an issue is known.
func IsSettled(issue *fhir.Resource) bool { return statusOf(issue) == Final }
