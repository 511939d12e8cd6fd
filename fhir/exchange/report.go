package exchange

import (
	"bytes"
	"encoding/json"

	"github.com/drieluik/drieluik/fhir"
)

// Outcome is an OperationOutcome as it is written.
type Outcome struct {
	ResourceType string         `json:"resourceType"`
	Issue        []OutcomeIssue `json:"issue"`
}

// OutcomeIssue is one OperationOutcome.issue.
type OutcomeIssue struct {
	Severity    string       `json:"severity"`
	Code        string       `json:"code"`
	Details     *OutcomeText `json:"details,omitempty"`
	Diagnostics string       `json:"diagnostics,omitempty"`
	Expression  []string     `json:"expression,omitempty"`
}

// OutcomeText is OperationOutcome.issue.details.
type OutcomeText struct {
	Text       string          `json:"text"`
	Translated json.RawMessage `json:"_text,omitempty"`
}

// translated renders translations as R4 carries them, beside the text; nil for none.
func translated(of fhir.Translations) json.RawMessage {
	type part struct {
		URL     string `json:"url"`
		Code    string `json:"valueCode,omitempty"`
		Content string `json:"valueString,omitempty"`
	}
	type extension struct {
		URL       string `json:"url"`
		Extension []part `json:"extension"`
	}
	var out struct {
		Extension []extension `json:"extension"`
	}
	for _, t := range [2][2]string{{"nl", of.NL}, {"sv", of.SV}} {
		if t[1] != "" {
			out.Extension = append(out.Extension, extension{"http://hl7.org/fhir/StructureDefinition/translation",
				[]part{{URL: "lang", Code: t[0]}, {URL: "content", Content: t[1]}}})
		}
	}
	if out.Extension == nil {
		return nil
	}
	b, err := json.Marshal(out)
	if err != nil { // strings alone
		return nil
	}
	return b
}

// NewOutcome renders issues; without any it says that all went well.
func NewOutcome(issues []fhir.Issue) Outcome {
	o := Outcome{ResourceType: "OperationOutcome"}
	if len(issues) == 0 {
		issues = []fhir.Issue{{Severity: fhir.SeverityInformation, Code: "informational", Text: "All done; nothing to report."}}
	}
	for _, i := range issues {
		out := OutcomeIssue{Severity: i.Severity, Code: i.Code, Diagnostics: i.Diagnostics}
		if i.Text != "" {
			out.Details = &OutcomeText{Text: i.Text, Translated: translated(i.Translations)}
		}
		if i.Expression != "" {
			out.Expression = []string{i.Expression}
		}
		o.Issue = append(o.Issue, out)
	}
	return o
}

type receiptBundle struct {
	ResourceType string         `json:"resourceType"`
	Type         string         `json:"type"`
	Entry        []receiptEntry `json:"entry"`
}

type receiptEntry struct {
	Resource *Outcome        `json:"resource,omitempty"`
	Response receiptResponse `json:"response"`
}

type receiptResponse struct {
	Status   string `json:"status"`
	Location string `json:"location,omitempty"`
}

// receipt renders the transaction-response of a push: the mapping report, then the location of each
// resource that the sender keeps, changed or not. It says what the record's own version says and no
// more: neither versions nor statuses tell a known child from a new one (access.md 5).
func (sub *submission) receipt() ([]byte, error) {
	report := NewOutcome(sub.issues)
	b := receiptBundle{ResourceType: "Bundle", Type: "transaction-response", Entry: []receiptEntry{
		{Resource: &report, Response: receiptResponse{Status: "200 OK"}},
	}}
	status := "200 OK"
	if sub.source.Version == 1 {
		status = "201 Created"
	}
	for _, m := range sub.result.Resources {
		if keeper := sub.custodian(m); !keeper.IsZero() && keeper.Current() != sub.result.Sender.Current() {
			continue // a question to the custodian of a known child
		}
		b.Entry = append(b.Entry, receiptEntry{Response: receiptResponse{
			Status: status, Location: m.Resource.Ref().String(),
		}})
	}
	return JSON(b)
}

// JSON renders v as it is sent: "&", "<" and ">" stand as themselves.
func JSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
