package fhir

import (
	"errors"
	"time"
)

// Body returns the text to store: without meta.versionId and meta.lastUpdated, and with the offset
// just behind `"meta":{`, where Serve puts them back. A resource without meta gets an empty one.
func (r *Resource) Body() (body []byte, at int, err error) {
	return nil, 0, errors.New("not implemented")
}

// Serve returns a stored body with versionId and lastUpdated (UTC, milliseconds) in their place.
func Serve(body []byte, at, version int, updated time.Time) []byte { return nil }
