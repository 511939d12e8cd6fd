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

// OutcomeText is OperationOutcome.issue.details, with its text in other languages as R4 carries them.
type OutcomeText struct {
	Text       string       `json:"text"`
	Translated *InLanguages `json:"_text,omitempty"`
}

// InLanguages are the extensions of a text that is told in several languages.
type InLanguages struct {
	Extension []translation `json:"extension"`
}

type translation struct {
	Extension []translationPart `json:"extension"`
	URL       string            `json:"url"`
}

type translationPart struct {
	URL     string `json:"url"`
	Code    string `json:"valueCode,omitempty"`
	Content string `json:"valueString,omitempty"`
}

// detailsOf is what an issue says, in the languages in which it does.
func detailsOf(i fhir.Issue) *OutcomeText {
	return &OutcomeText{Text: i.Text, Translated: Translated(i.In)}
}

// Translated renders translations of a text, as the extensions of its element; nil when there are none.
func Translated(in fhir.Translations) *InLanguages {
	var out InLanguages
	for _, t := range []struct{ lang, text string }{{"nl", in.NL}, {"sv", in.SV}} {
		if t.text != "" {
			out.Extension = append(out.Extension, translation{
				[]translationPart{{URL: "lang", Code: t.lang}, {URL: "content", Content: t.text}}, "http://hl7.org/fhir/StructureDefinition/translation",
			})
		}
	}
	if out.Extension == nil {
		return nil
	}
	return &out
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
			out.Details = detailsOf(i)
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
