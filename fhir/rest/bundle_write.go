package rest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// bundle is a Bundle on its way out.
type bundle struct {
	ResourceType string            `json:"resourceType"`
	Identifier   *bundleIdentifier `json:"identifier,omitempty"`
	Type         string            `json:"type"`
	Timestamp    string            `json:"timestamp,omitempty"`
	Total        *int              `json:"total,omitempty"`
	Link         []bundleLink      `json:"link,omitempty"`
	Entry        []bundleEntry     `json:"-"`
}

type bundleIdentifier struct {
	System string `json:"system"`
	Value  string `json:"value"`
}

type bundleLink struct {
	Relation string `json:"relation"`
	URL      string `json:"url"`
}

// bundleEntry is an entry. Its resource is JSON already.
type bundleEntry struct {
	FullURL  string          `json:"-"`
	Resource []byte          `json:"-"`
	Search   *bundleSearch   `json:"search,omitempty"`
	Request  *bundleRequest  `json:"request,omitempty"`
	Response *bundleResponse `json:"response,omitempty"`
}

type bundleRequest struct {
	Method string `json:"method"`
	URL    string `json:"url"`
}

type bundleSearch struct {
	Mode string `json:"mode"`
}

type bundleResponse struct {
	Status       string `json:"status"`
	Location     string `json:"location,omitempty"`
	ETag         string `json:"etag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`

	Outcome json.RawMessage `json:"outcome,omitempty"`
}

func writeBundle(w http.ResponseWriter, status int, b bundle) error {
	out, err := b.render()
	if err != nil {
		return fhir.Wrap("rest.bundle", err)
	}
	return writeJSON(w, status, out)
}

// render splices the resources into what encoding/json makes of the rest, which would otherwise read
// and copy every byte of them again.
func (b bundle) render() ([]byte, error) {
	out, err := exchange.JSON(b)
	if err != nil || len(b.Entry) == 0 {
		return out, err
	}
	size := len(out) + len(`,"entry":[]`)
	for _, e := range b.Entry {
		size += len(e.Resource) + entryRoom
	}
	out = append(slices.Grow(out, size)[:len(out)-1], `,"entry":[`...)
	for i, e := range b.Entry {
		if i > 0 {
			out = append(out, ',')
		}
		if out, err = e.render(out); err != nil {
			return nil, err
		}
	}
	return append(out, "]}"...), nil
}

// entryRoom is about what an entry takes besides its resource, in bytes.
const entryRoom = 160

// render appends the entry: fullUrl, resource, and what else there is.
func (e bundleEntry) render(out []byte) ([]byte, error) {
	url, err := exchange.JSON(e.FullURL)
	if err != nil {
		return nil, err
	}
	frame, err := exchange.JSON(e)
	if err != nil {
		return nil, err
	}
	out = append(out, '{')
	if e.FullURL != "" {
		out = append(append(append(out, `"fullUrl":`...), url...), ',')
	}
	if len(e.Resource) > 0 {
		out = append(append(append(out, `"resource":`...), e.Resource...), ',')
	}
	if len(frame) == len("{}") {
		return append(bytes.TrimSuffix(out, []byte(",")), '}'), nil
	}
	return append(out, frame[1:]...), nil
}
