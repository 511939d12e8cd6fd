package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/drieluik/drieluik/auth/jose"
	"github.com/drieluik/drieluik/testdata"
)

// record is one source document of the story.
type record struct {
	Child  string // folder: boris, sanne, daan
	File   string // name without folder
	Type   string // recordType
	Sender string // URA
	Doc    []byte
}

// children are those of the story, in the order in which they come.
var children = []string{"boris", "sanne", "daan"}

// storyRecords returns the records of the children in order of their names, with dates moved by days.
func storyRecords(days int) ([]record, error) {
	var out []record
	for _, child := range children {
		of, err := childRecords(child, days)
		if err != nil {
			return nil, err
		}
		out = append(out, of...)
	}
	return out, nil
}

func childRecords(child string, days int) ([]record, error) {
	folder := path.Join("mks", child)
	entries, err := fs.ReadDir(testdata.Records, folder)
	if err != nil {
		return nil, err
	}
	var out []record
	for _, e := range entries {
		b, err := fs.ReadFile(testdata.Records, path.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		var head struct {
			RecordType  string
			Bronsysteem struct{ URA string }
		}
		if err := json.Unmarshal(b, &head); err != nil {
			return nil, err
		}
		out = append(out, record{Child: child, File: e.Name(), Type: head.RecordType, Sender: head.Bronsysteem.URA, Doc: shifted(b, days)})
	}
	return out, nil
}

// writeTransfer writes the document that the curl line pushes: the next version of the transfer,
// recorded now. One that is there stays: it may be stored, and a version keeps its content.
func (d *demo) writeTransfer(records []record) error {
	if _, err := os.Stat(d.transferFile()); err == nil {
		return nil
	}
	for _, r := range records {
		if r.Type != "overdracht" {
			continue
		}
		var doc map[string]any
		decoder := json.NewDecoder(bytes.NewReader(r.Doc))
		decoder.UseNumber()
		if err := decoder.Decode(&doc); err != nil {
			return err
		}
		doc["versie"] = 2
		doc["vastgelegdOp"] = time.Now().Add(-time.Minute).Format(time.RFC3339)
		b, err := json.MarshalIndent(doc, "", " ")
		if err != nil {
			return err
		}
		return os.WriteFile(d.transferFile(), b, 0o600)
	}
	return fmt.Errorf("the story has no transfer")
}

func (d *demo) transferFile() string { return filepath.Join(d.dir, "transfer.json") }

// demoCaller talks to the demo's own server as any client would.
type demoCaller struct {
	base   string
	client *http.Client
}

func demoHTTP(base string) *demoCaller {
	return &demoCaller{base: base, client: &http.Client{Timeout: 30 * time.Second}}
}

// backendScope is what the demo systems ask for.
const backendScope = "system/*.cruds"

// token asks for a token with a client assertion.
func (c *demoCaller) token(ctx context.Context, assertion string) (string, error) {
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {backendScope}, "client_assertion": {assertion},
		"client_assertion_type": {jose.AssertionType},
	}
	var out struct {
		AccessToken string `json:"access_token"`
	}
	err := c.post(ctx, "/auth/token", "application/x-www-form-urlencoded", "", strings.NewReader(form.Encode()), &out)
	return out.AccessToken, err
}

// push submits a source document and returns the locations of what it made.
func (c *demoCaller) push(ctx context.Context, token string, doc []byte) ([]string, error) {
	var receipt struct {
		Entry []struct {
			Response struct{ Location string }
		}
	}
	if err := c.post(ctx, "/fhir/$submit", "application/json", token, bytes.NewReader(doc), &receipt); err != nil {
		return nil, err
	}
	var made []string
	for _, e := range receipt.Entry {
		if e.Response.Location != "" {
			made = append(made, e.Response.Location)
		}
	}
	return made, nil
}

func (c *demoCaller) post(ctx context.Context, to, media, token string, body io.Reader, out any) error {
	r := demoRequest{method: http.MethodPost, path: to, media: media, body: body}
	if token != "" {
		r.authorization = "Bearer " + token
	}
	return c.send(ctx, r, out)
}

// demoRequest is one request to the demo's own server.
type demoRequest struct {
	method, path, media, authorization string
	body                               io.Reader
}

// send sends a request and reads the JSON of the answer.
func (c *demoCaller) send(ctx context.Context, r demoRequest, out any) error {
	req, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, r.body)
	if err != nil {
		return err
	}
	if r.media != "" {
		req.Header.Set("Content-Type", r.media)
	}
	if r.authorization != "" {
		req.Header.Set("Authorization", r.authorization)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 10<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s answered %d: %s", r.path, res.StatusCode, b)
	}
	return json.Unmarshal(b, out)
}

// coordinator finds the Practitioner of the care coordinator of boris, by the professional number in
// his record.
func (d *demo) coordinator(ctx context.Context, records []record, token string) (string, error) {
	var doc struct {
		Inhoud struct {
			Medewerkers []struct{ Functie, Big string }
		}
	}
	for _, r := range records {
		if r.Child != "boris" || r.Type != "kind" || json.Unmarshal(r.Doc, &doc) != nil {
			continue
		}
		for _, m := range doc.Inhoud.Medewerkers {
			if m.Functie != coordinatorLogin || m.Big == "" {
				continue
			}
			var found struct {
				Entry []struct{ Resource struct{ ID string } }
			}
			err := d.http.send(ctx, demoRequest{
				method: http.MethodGet, path: "/fhir/Practitioner?identifier=" + url.QueryEscape(m.Big), authorization: "Bearer " + token,
			}, &found)
			if err == nil && len(found.Entry) == 0 {
				err = errors.New("the coordinator of the story is not stored")
			}
			if err != nil {
				return "", err
			}
			return found.Entry[0].Resource.ID, nil
		}
	}
	return "", errors.New("the story has no coordinator")
}

// splitRef splits "Type/id/_history/n".
func splitRef(ref string) (kind, id string) {
	parts := strings.Split(ref, "/")
	if len(parts) < 2 {
		return ref, ""
	}
	return parts[0], parts[1]
}
