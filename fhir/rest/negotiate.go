package rest

import (
	"bytes"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/drieluik/drieluik/fhir"
)

// jsonTypes are the media types of FHIR JSON, also as values of _format.
var jsonTypes = map[string]bool{
	"application/fhir+json": true, "application/json": true, "text/json": true, "json": true,
	"*/*": true, "application/*": true, "": true,
}

// negotiate refuses a request that wants another format than JSON, or another FHIR version.
func negotiate(r *http.Request) error {
	if wantsTable(r) || strings.HasSuffix(r.URL.Path, ".ndjson") {
		return nil
	}
	if isPicture(r) {
		_, err := pictureIn(r)
		return err
	}
	wanted := r.Header.Get("Accept")
	if f := r.URL.Query().Get("_format"); f != "" {
		wanted = strings.ReplaceAll(f, " ", "+") // "+" of an unescaped query
	}
	for alternative := range strings.SplitSeq(wanted, ",") {
		media, params, err := mime.ParseMediaType(strings.TrimSpace(alternative))
		if strings.TrimSpace(alternative) == "" {
			media, err = "", nil
		}
		if err == nil && jsonTypes[media] && r4Version(params) && params["q"] != "0" {
			return nil
		}
	}
	return fhir.Errorf(fhir.NotAcceptable, "rest.negotiate", "not-supported", "format",
		"Ask for application/fhir+json (R4); this server speaks nothing else.")
}

func r4Version(params map[string]string) bool {
	v, ok := params["fhirversion"]
	return !ok || v == "4.0" || v == "4.0.1"
}

// maxAhead is how much room a body gets for what its Content-Length says, before any of it has come.
const maxAhead = 8 << 20

// body reads a JSON body of one of the media types.
func body(r *http.Request, types ...string) ([]byte, error) {
	const op = "rest.body"
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(types, media) || !r4Version(params) || !utf8(params) {
		return nil, fhir.Errorf(fhir.Unsupported, op, "not-supported", "content-type",
			"Send the body as %s in UTF-8.", strings.Join(types, " or "))
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, fhir.Errorf(fhir.Unsupported, op, "not-supported", "content-encoding", "Send the body uncompressed.")
	}
	var b bytes.Buffer
	b.Grow(int(min(max(r.ContentLength, 0), maxAhead)) + bytes.MinRead)
	if _, err := b.ReadFrom(r.Body); err != nil {
		return nil, fhir.Wrap(op, known(err))
	}
	return b.Bytes(), nil
}

func utf8(params map[string]string) bool {
	c, ok := params["charset"]
	return !ok || strings.EqualFold(c, "utf-8")
}
