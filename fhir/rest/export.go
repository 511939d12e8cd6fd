package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/fhir/exchange"
)

// Bulk Data Access: Patient/$export and Group/[id]/$export begin an export, its status URL is asked until
// the manifest comes, and the manifest names files of NDJSON.

// bulkPath is where exports are asked for, below the FHIR base: no type has a name like it.
const bulkPath = "/bulk/{export}"

// ndjson is the format of the files.
const ndjson = "application/fhir+ndjson"

// exportPause is how long who waits should wait.
const exportPause = "1"

func (s *Server) exportRoutes(r chi.Router) {
	for _, path := range []string{"/{type:Patient}/$export", "/{type:Group}/{id:[^_$/][^/]*}/$export"} {
		r.Get(path, s.handle(s.export))
		r.Post(path, s.handle(s.export))
	}
	r.Get(bulkPath, s.handle(s.exportStatus))
	r.Delete(bulkPath, s.handle(s.dropExport))
	r.Get(bulkPath+"/{file:[0-9]+}.ndjson", s.handle(s.exportFile))
}

// exportParams are the parameters of $export; each reports whether it could read its value.
var exportParams = map[string]func(ask *exchange.Bulk, value string) bool{
	"_outputFormat": func(_ *exchange.Bulk, value string) bool {
		return value == ndjson || value == "application/ndjson" || value == "ndjson"
	},
	"_since": func(ask *exchange.Bulk, value string) bool {
		at, err := time.Parse(time.RFC3339Nano, value)
		ask.Since = at
		return err == nil
	},
	"_type": func(ask *exchange.Bulk, value string) bool {
		for name := range strings.SplitSeq(value, ",") {
			t, ok := fhir.ParseType(name)
			if !ok || auth.IsDirectory(t) || !Serves(t, "history-type") {
				return false
			}
			ask.Types = append(ask.Types, t)
		}
		return true
	},
	"patient": func(ask *exchange.Bulk, value string) bool {
		for name := range strings.SplitSeq(value, ",") {
			ref, ok := fhir.ParseRef(name)
			if !ok || ref.Type != "Patient" || ref.Version != 0 {
				return false
			}
			ask.Patients = append(ask.Patients, ref)
		}
		return true
	},
}

// export serves GET and POST /Patient/$export and /Group/id/$export.
func (s *Server) export(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caller(r, auth.Export, "Patient")
	if err != nil {
		return err
	}
	ask, err := s.exportAsk(r)
	if err != nil {
		return s.Exchange.Reject(r.Context(), c, auth.Export, "Patient", err)
	}
	id, err := s.Exchange.Export(r.Context(), c, ask)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Location", s.Base+"/bulk/"+id)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

func (s *Server) exportAsk(r *http.Request) (exchange.Bulk, error) {
	const op = "rest.export"
	var ask exchange.Bulk
	if _, entry := senderOf(r.Context()); entry || !prefers(r, "respond-async") {
		return ask, fhir.Errorf(fhir.BadRequest, op, "invalid", "export-async",
			"An export takes longer than a request: send it on its own with Prefer: respond-async, and ask the URL in Content-Location.")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err == nil && r.Method == http.MethodPost {
		err = s.exportBody(r, query)
	}
	if err != nil {
		return ask, err
	}
	query.Del("_format")
	if chi.URLParam(r, "id") != "" {
		if ask.Group, err = refOf(r); err != nil {
			return ask, err
		}
	}
	path := strings.TrimPrefix(r.URL.Path, "/fhir")
	ask.Query, ask.Request = query, s.Base+path
	if len(query) > 0 {
		ask.Request += "?" + query.Encode()
	}
	return ask, readParams(query, &ask, exportParams, "export-parameter",
		"$export takes _type (types of a child's record), _since (an instant), _outputFormat (application/fhir+ndjson) and, in a body, patient (references), each once.")
}

// exportBody takes the parameters of a Parameters resource; a list is what repeats.
func (s *Server) exportBody(r *http.Request, query url.Values) error {
	const op = "rest.export"
	b, err := body(r, "application/fhir+json", "application/json")
	if err != nil {
		return err
	}
	given, issues := fhir.Parse(b, fhir.Limits{Bytes: int(s.MaxBody)})
	if fhir.HasErrors(issues) || given.Type() != "Parameters" {
		return fhir.Errorf(fhir.BadRequest, op, "structure", "export-body", "Send a Parameters resource.")
	}
	for p := range given.Root().All("parameter") {
		name, text := p.Member("name").Text(), p.At("valueReference", "reference").Text()
		for _, member := range []string{"valueString", "valueInstant", "valueCode"} {
			if text == "" {
				text = p.Member(member).Text()
			}
		}
		if before := query.Get(name); before != "" {
			text = before + "," + text
		}
		query.Set(name, text)
	}
	return nil
}

// exportStatus serves GET /bulk/id: 202 while the export is planned, then its manifest.
func (s *Server) exportStatus(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caller(r, auth.Export, "Patient")
	if err != nil {
		return err
	}
	id := chi.URLParam(r, "export")
	out, err := s.Exchange.ExportStatus(r.Context(), c, id)
	if err != nil {
		return err
	}
	if !out.Done {
		w.Header().Set("Retry-After", exportPause)
		w.Header().Set("X-Progress", fmt.Sprintf("%d resources counted", out.Resources))
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	m := manifest{
		At: out.At.UTC().Format(time.RFC3339Nano), Request: out.Request, Token: true, Output: []manifestFile{}, Error: []manifestFile{},
	}
	for i, f := range out.Files {
		m.Output = append(m.Output, manifestFile{
			Type: string(f.Type), URL: s.Base + "/bulk/" + id + "/" + strconv.Itoa(i) + ".ndjson", Count: f.Count,
		})
	}
	b, err := json.Marshal(m)
	if err != nil {
		return fhir.Wrap("rest.exportStatus", err)
	}
	w.Header().Set("Expires", out.Expires.UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(b)
	return err
}

// manifest is what an export came to.
type manifest struct {
	At      string         `json:"transactionTime"`
	Request string         `json:"request"`
	Token   bool           `json:"requiresAccessToken"`
	Output  []manifestFile `json:"output"`
	Error   []manifestFile `json:"error"`
}

type manifestFile struct {
	Type  string `json:"type"`
	URL   string `json:"url"`
	Count int    `json:"count"`
}

// dropExport serves DELETE /bulk/id.
func (s *Server) dropExport(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caller(r, auth.Export, "Patient")
	if err != nil {
		return err
	}
	if err := s.Exchange.DropExport(r.Context(), c, chi.URLParam(r, "export")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// lineTime is how long a client may take for a line before it has gone.
const lineTime = 60 * time.Second

// exportFile serves GET /bulk/id/n.ndjson. What fails after the first line ends the connection, so that
// nobody takes a part for the whole.
func (s *Server) exportFile(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caller(r, auth.Export, "Patient")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(chi.URLParam(r, "file"))
	if _, entry := senderOf(r.Context()); entry || err != nil {
		return s.unknownPath(w, r) // a file is no resource that a Bundle could hold
	}
	control, sent := http.NewResponseController(w), false
	err = s.Exchange.ExportFile(r.Context(), c, chi.URLParam(r, "export"), n, func(line []byte) error {
		if !sent {
			w.Header().Set("Content-Type", ndjson)
			sent = true
		}
		// Where no deadline can be set, that of the whole answer stays.
		_ = control.SetWriteDeadline(time.Now().Add(lineTime))
		if _, err := w.Write(line); err != nil {
			return err
		}
		_, err := w.Write([]byte{'\n'})
		return err
	})
	if err != nil && sent {
		s.Log.Warn("export broke off", "request", requestID(r.Context()), "reason", reasonOf(err))
		panic(http.ErrAbortHandler)
	}
	if err == nil && !sent { // all was withdrawn since
		w.Header().Set("Content-Type", ndjson)
	}
	return err
}
