package rest

import (
	"encoding/base64"
	"mime"
	"net/http"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
	"github.com/drieluik/drieluik/fhir/patch"
)

// patch serves PATCH /Type/id, and PATCH /Type?condition: JSON Patch and FHIRPath Patch.
func (s *Server) patch(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Accept-Patch", patch.JSON+", "+patch.FHIRPath)
	return s.writeTo(w, r, auth.Patch, s.patching)
}

// patching reads the body and the condition of a patch.
func (s *Server) patching(r *http.Request, ch *exchange.Change) error {
	if err := s.addressed(r, ch); err != nil {
		return err
	}
	b, err := body(r, patch.JSON, patch.FHIRPath)
	if err != nil {
		return err
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return fhir.Wrap("rest.patching", err)
	}
	p, issues := patch.Parse(media, b)
	if fhir.HasErrors(issues) {
		return &fhir.Error{Kind: fhir.Malformed, Op: "rest.patching", Issues: issues}
	}
	ch.Patch = p
	return nil
}

// patchContent is the body of a patch as the resource of an entry holds it: Parameters as they are,
// everything else as the content of a Binary.
func patchContent(n fhir.Node) (string, []byte, error) {
	if n.Member("resourceType").Text() != "Binary" {
		return patch.FHIRPath, []byte(n.Raw()), nil
	}
	b, err := base64.StdEncoding.DecodeString(n.Member("data").Text())
	if err != nil || len(b) == 0 {
		return "", nil, fhir.Errorf(fhir.BadRequest, "rest.patchContent", "invalid", "patch-data",
			"Put the patch as base64 into Binary.data, or send it as Parameters.")
	}
	return n.Member("contentType").Text(), b, nil
}
