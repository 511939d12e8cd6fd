package extract

import (
	"slices"
	"strconv"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	commpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/communication_go_proto"
	srpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/service_request_go_proto"
	taskpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/task_go_proto"
	"google.golang.org/protobuf/proto"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
	"github.com/drieluik/drieluik/mapping/element"
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/decide"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
	"github.com/drieluik/drieluik/mapping/mks/tree"
)

// extractors are the forms that become resources, by the id of their Questionnaire. Read only.
var extractors = map[string]func(*extraction){
	"mks-hulpbehoeftescan": (*extraction).scan, "mks-verwijsboom": (*extraction).referral, "mks-beslisboom": (*extraction).closing,
}

// Bounds of one extraction: far more than any form of ours asks.
const (
	maxExtracted      = 500       // resources
	maxExtractedBytes = 5_000_000 // of them together
)

// Response makes of a scan its needs, with a goal and a line of a draft plan for those of level 2 and
// up; of a verwijsboom and a beslisboom what follows from their outcomes (mks.md 6.1). What a push of the
// record wrote keeps its id, its identifiers and its meta. It answers Unprocessable for a response of
// which more would be made than any form of ours asks.
func Response(response *fhir.Resource, stored func(fhir.Ref) (*fhir.Resource, error)) ([]mapping.Extracted, bool, error) {
	root := response.Root()
	canonical, _, _ := strings.Cut(root.Member("questionnaire").Text(), "|")
	id, own := strings.CutPrefix(canonical, fhir.Canonical+"/Questionnaire/")
	of, ok := extractors[id]
	if !own || !ok {
		return nil, false, nil
	}
	if len(tofhir.AnswersAt(root, "bb.andereBehoeften")) > record.MaxInTree || len(tofhir.AnswersAt(root, "bb.uitkomst")) > record.MaxInTree || outcomeGroups(root) > record.MaxInTree {
		return nil, true, fhir.Errorf(fhir.Unprocessable, "mks.Extract", "too-long", "extract-size",
			"The response has more outcomes or needs than any real one; send one with fewer.")
	}
	x := &extraction{root: root, id: root.Member("id").Text(), pushed: pushedKey(root), stored: stored}
	of(x)
	return x.out, true, x.err
}

// outcomeGroups counts the outcomes of a verwijsboom.
func outcomeGroups(root fhir.Node) int {
	n := 0
	for item := range root.All("item") {
		if item.Member("linkId").Text() == "vb.uitkomst" {
			n++
		}
	}
	return n
}

// pushedKey is the key of the record that made a response, without its parts; "" for another origin.
func pushedKey(root fhir.Node) string {
	for e := range root.All("extension") {
		if e.Member("url").Text() == element.StructureDefinition("bron-record") {
			return "QuestionnaireResponse/" + tofhir.Part(e, "ura").Text() + "/" + tofhir.Part(e, "applicatie").Text() + "/" +
				tofhir.Part(e, "recordType").Text() + "/" + tofhir.Part(e, "recordId").Text()
		}
	}
	return ""
}

// extraction makes resources of one response.
type extraction struct {
	root   fhir.Node
	id     string // of the response; "" when it has none
	pushed string // key of its record, "" for another origin
	stored func(fhir.Ref) (*fhir.Resource, error)
	out    []mapping.Extracted
	size   int // bytes of out
	err    error
}

// add takes in a resource that stands at a place of the response and returns how others refer to it.
func (x *extraction) add(m proto.Message, place string, a tofhir.About) string {
	if x.err != nil || x.full(len(x.out) == maxExtracted) {
		return ""
	}
	one := mapping.Extracted{URN: "urn:uuid:" + mapping.ID("extract/"+x.id+"#"+place)}
	before := x.before(fhir.Ref{Type: element.TypeOf(m), ID: mapping.ID(x.pushed + "/" + place)})
	if before == nil {
		if x.id != "" {
			one.Identifier = fhir.Identifier{System: mapping.ExtractSystem, Value: x.id + "#" + place}
			element.AddIdentifier(m, element.Identifier(one.Identifier.System, one.Identifier.Value))
		}
	}
	element.SetMeta(m, protection(a))
	r, err := fhir.FromProto(m)
	if err == nil && before != nil {
		made := slices.Collect(r.Root().All("meta", "security"))
		if r, err = r.Edit(kept(before)...); err == nil {
			r, err = mapping.AddMeta(r, "security", made)
		}
		one.URN = before.Ref().String()
	}
	if err == nil {
		r, err = mapping.AddMeta(r, "security", x.labels())
	}
	if err != nil { // it is made of what stands in the response, which nobody has validated
		if x.err == nil {
			x.err = fhir.Errorf(fhir.Unprocessable, "mks.Extract", "invalid", "extract-response",
				"The response holds values that R4 does not allow, such as a date that is none; $validate tells which.")
		}
		return ""
	}
	if x.size += len(r.Bytes()); x.full(x.size > maxExtractedBytes) {
		return ""
	}
	one.Resource = r
	x.out = append(x.out, one)
	return one.URN
}

// full ends an extraction of which too much would become.
func (x *extraction) full(is bool) bool {
	if is && x.err == nil {
		x.err = fhir.Errorf(fhir.Unprocessable, "mks.Extract", "too-costly", "extract-limit",
			"More would be made of this response than %d resources or %d bytes; correct what is given more than once.", maxExtracted, maxExtractedBytes)
	}
	return is
}

// before returns what a push of the record wrote, as far as the caller may see it.
func (x *extraction) before(ref fhir.Ref) *fhir.Resource {
	if x.pushed == "" || x.err != nil {
		return nil
	}
	var r *fhir.Resource
	r, x.err = x.stored(ref)
	return r
}

// kept is what an update of a stored resource leaves as it is.
func kept(before *fhir.Resource) []fhir.Edit {
	out := []fhir.Edit{{Path: []string{"id"}, JSON: strconv.Quote(before.ID())}}
	for _, name := range []string{"meta", "identifier"} {
		if n := before.Root().Member(name); n.Exists() {
			out = append(out, fhir.Edit{Path: []string{name}, JSON: n.Raw()})
		}
	}
	return out
}

// labels are those of the response that guard what is made of it too; about-parent stands on the need that
// it is about.
func (x *extraction) labels() []fhir.Node {
	var out []fhir.Node
	for l := range x.root.All("meta", "security") {
		if l.Member("system").Text() != element.CodeSystem("access-label") || l.Member("code").Text() != "about-parent" {
			out = append(out, l)
		}
	}
	return out
}

// protection is the meta of what is extracted.
func protection(a tofhir.About) *dpb.Meta {
	out := &dpb.Meta{Security: a.Labels}
	for _, p := range a.Profiles {
		out.Profile = append(out.Profile, &dpb.Canonical{Value: p})
	}
	for _, d := range a.Domains {
		out.Tag = append(out.Tag, tofhir.ListCoding("mks-domein", d))
	}
	return out
}

// subject, author and response are references of the response, nil when it has none.
func (x *extraction) subject() *dpb.Reference { return referenceIn(x.root.Member("subject")) }

func (x *extraction) author() *dpb.Reference { return referenceIn(x.root.Member("author")) }

func (x *extraction) response() []*dpb.Reference {
	if x.id == "" {
		return nil
	}
	return []*dpb.Reference{element.Literal(fhir.Ref{Type: "QuestionnaireResponse", ID: x.id})}
}

// day is the day of the response.
func (x *extraction) day() form.Day {
	text, _, _ := strings.Cut(x.root.Member("authored").Text(), "T")
	if d := form.Day(text); !d.Time().IsZero() {
		return d
	}
	return ""
}

// referenceIn copies a Reference; nil when it is absent.
func referenceIn(n fhir.Node) *dpb.Reference {
	text, id := n.Member("reference").Text(), n.Member("identifier")
	out := &dpb.Reference{
		Identifier: element.Identifier(id.Member("system").Text(), id.Member("value").Text()), Display: element.String(n.Member("display").Text()),
	}
	if text != "" {
		out.Reference = &dpb.Reference_Uri{Uri: element.String(text)}
	}
	if text == "" && out.Identifier == nil && out.Display == nil {
		return nil
	}
	return out
}

// referral makes a draft ServiceRequest of each outcome of a verwijsboom.
func (x *extraction) referral() {
	seen := map[string]int{}
	for item := range x.root.All("item") {
		law, part := tofhir.AnswerAt(item, "vb.uitkomst.wet"), tofhir.AnswerAt(item, "vb.uitkomst.onderdeel")
		if item.Member("linkId").Text() == "vb.uitkomst" && record.InList("wettelijk-kader", law) && record.InList("zorgonderdeel", part) {
			x.request(law, part, "order", tofhir.Numbered(seen, law+"/"+part), "")
		}
	}
}

// request adds a draft ServiceRequest.
func (x *extraction) request(law, part, intent, place, decides string) {
	s := &srpb.ServiceRequest{
		Status: element.Enum(&srpb.ServiceRequest_StatusCode{}, "draft"), Intent: element.Enum(&srpb.ServiceRequest_IntentCode{}, intent),
		Category: []*dpb.CodeableConcept{tofhir.ListConcept("wettelijk-kader", law), tofhir.ListConcept("zorgonderdeel", part)},
		Code:     element.TextConcept(record.Label("zorgonderdeel", part)), Subject: x.subject(), AuthoredOn: element.DateTime(x.day()),
		Requester: x.author(), SupportingInfo: x.response(),
	}
	element.AddExtension(s, element.OwnExtension("verantwoordelijke", element.CodeValue(decides)))
	a := tofhir.About{Domains: []string{tree.PartDomain(part)}}
	if s.SupportingInfo != nil && s.AuthoredOn != nil {
		a.Profiles = []string{element.StructureDefinition("mks-indicatie")}
	}
	x.add(s, place, a)
}

// closing makes of a beslisboom what its outcomes ask for (mks.md 3.7). The plan is closed by the push of
// the record, or by its coordinator.
func (x *extraction) closing() {
	outcomes := map[string]bool{}
	for _, v := range tofhir.AnswersAt(x.root, "bb.uitkomst") {
		code := v.Member("code").Text()
		if r, ok := decide.Requests[code]; ok && !outcomes[code] {
			x.request(r.Law, r.Part, "proposal", code, r.By)
		}
		outcomes[code] = true
	}
	for i, need := range tofhir.AnswersAt(x.root, "bb.andereBehoeften") {
		if outcomes["disciplines"] {
			t := &taskpb.Task{
				Status: element.Enum(&taskpb.Task_StatusCode{}, "requested"), Intent: element.Enum(&taskpb.Task_IntentCode{}, "order"),
				Code: tofhir.ListConcept("beslisboom-uitkomst", "disciplines"), Description: element.String(need.Text()), ForValue: x.subject(),
			}
			if r := x.response(); r != nil {
				t.Focus = r[0]
			}
			x.add(t, "disciplines/"+strconv.Itoa(i+1), tofhir.About{Domains: tofhir.ChildDomains})
		}
	}
	told := map[string]bool{}
	for _, v := range tofhir.AnswersAt(x.root, "bb.informeren") {
		party := v.Member("code").Text()
		if told[party] || !record.InList("informeren", party) {
			continue
		}
		told[party] = true
		x.add(&commpb.Communication{
			Status:   element.Enum(&commpb.Communication_StatusCode{}, "preparation"),
			Category: []*dpb.CodeableConcept{tofhir.ListConcept("mks-categorie", "afsluiting-melden")}, Topic: tofhir.ListConcept("informeren", party),
			Subject: x.subject(), About: x.response(), Sender: x.author(),
		}, party, tofhir.About{Domains: []string{"medisch"}})
	}
}
