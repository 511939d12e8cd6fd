package exchange

import (
	"context"
	"slices"
	"sort"
	"strings"

	"github.com/drieluik/drieluik/auth"
	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping"
)

// Receipt answers a push.
type Receipt struct {
	Repeat  bool   // the same key, version and body were stored before: nothing was written now
	Outcome []byte // transaction-response Bundle; its first entry is the mapping report
}

// Submit takes one source document: mapped, validated, stored and announced, all or nothing. The
// order of its checks is that of the contract: not JSON, unknown schema, foreign sender, versions,
// rules of the document, scopes.
func (s *Service) Submit(ctx context.Context, c Call, body []byte, limits fhir.Limits) (Receipt, error) {
	const op = "exchange.Submit"
	c.Operation = "submit"
	doc, err := readSource(op, body, limits)
	if err != nil {
		return Receipt{}, s.Reject(ctx, c, auth.Create, "", err)
	}
	format, err := s.format(doc)
	if err != nil {
		return Receipt{}, s.Reject(ctx, c, auth.Create, "", err)
	}
	hash := fhir.Hash(doc.Root())
	out, err := again(s, func() (Receipt, error) {
		sub := &submission{s: s, call: c, format: format, doc: doc, hash: hash, event: s.event(c, auth.Create, "")}
		return sub.once(ctx)
	})
	if moved(err) {
		return Receipt{}, s.broke(ctx, op, s.event(c, auth.Create, ""), contended(op, err))
	}
	return out, err
}

// format finds the source format that the document names, by its schema or as a FHIR Bundle.
func (s *Service) format(doc *fhir.Resource) (mapping.Format, error) {
	schema := doc.Root().Member("schema").Text()
	if schema == "" {
		schema = string(doc.Type())
	}
	return s.schema(schema, "The member \"schema\"")
}

// schema returns the source format of that name, which stood in some place.
func (s *Service) schema(schema, place string) (mapping.Format, error) {
	var names []string
	also := ""
	for _, f := range s.formats {
		switch f.Schema() {
		case schema:
			return f, nil
		case bundleSchema:
			also = " Or send a FHIR Bundle."
		default:
			names = append(names, f.Schema())
		}
	}
	sort.Strings(names)
	return nil, fhir.Errorf(fhir.Unsupported, "exchange.Submit", "not-supported", "schema-unknown",
		"%s must name a known source format: %s.%s", place, strings.Join(names, ", "), also)
}

// bundleSchema is the schema of the format that reads FHIR itself: its resourceType.
const bundleSchema = "Bundle"

// submission is one try to take a document.
type submission struct {
	s      *Service
	call   Call
	format mapping.Format
	doc    *fhir.Resource
	hash   [32]byte // of doc
	source mapping.Source
	issues []fhir.Issue // of the document
	event  event
	known  *known
	result mapping.Result
	draft  *draft

	overlap *overlap
}

func (sub *submission) once(ctx context.Context) (Receipt, error) {
	const op = "exchange.Submit"
	var repeat []byte
	var refused error
	var note *Unit
	err := sub.s.store.View(ctx, func(v Snapshot) error {
		w := sub.s.world(v)
		sub.draft, sub.known = w.draft(), &known{v: v}
		sub.source, sub.issues = sub.format.Read(sub.doc, w.now)
		sub.source.Holder, sub.source.Arrives = sub.call.Principal.Organization, !sub.call.Import
		if sub.source.Foreign && sub.source.Record != "" {
			sub.source.Record = sub.source.Holder.ID + "/" + sub.source.Record
		}
		var err error
		if refused, err = sub.sender(w); refused != nil || err != nil {
			return err
		}
		if repeat, refused, err = sub.versions(v); repeat != nil || refused != nil || err != nil {
			return err
		}
		if refused, err = sub.take(w); err != nil || refused != nil {
			return err
		}
		f, err := sub.draft.follow(v, sub.call.Principal, !sub.source.Foreign, &sub.event)
		if refused, note = f.refused, f.note; err != nil || refused != nil {
			return err
		}
		sub.overlap, err = sub.draft.coordinate(v, sub.call.Principal, true, &sub.event)
		if refused, note = sub.overlap.refused, sub.overlap.note; err != nil || refused != nil {
			return err
		}
		for _, t := range sub.overlap.told {
			sub.issues = append(sub.issues, t.issue)
		}
		return err
	})
	if err != nil {
		return Receipt{}, sub.s.broke(ctx, op, sub.event, err)
	}
	if repeat != nil || refused != nil {
		if err := sub.s.conclude(ctx, op, sub.event, note); err != nil {
			return Receipt{}, err
		}
		return Receipt{Repeat: true, Outcome: repeat}, refused
	}
	return sub.commit(ctx)
}

// refuse puts a refusal into the event, about the child of a compartment or about none.
func (sub *submission) refuse(compartment string, http int, reason string) {
	sub.event.denied(auth.Decision{HTTP: http, Step: "permit", Reason: reason}, patientOf(compartment))
}

// sender refuses a document of another organisation than that of the token, before anything else
// is looked up (access.md 5, push-sender). A sender that cannot be read is a fault of the document. Who
// acts for no organisation pushes nothing.
func (sub *submission) sender(w *world) (error, error) {
	p := sub.call.Principal
	d, err := w.decide(p, auth.Action{Interaction: auth.Create, Type: "Provenance"}, nil)
	if err != nil {
		return nil, err
	}
	if !d.Permit && d.HTTP == 401 {
		sub.event.denied(d, fhir.Ref{})
		return refusal("exchange.Submit", d), nil
	}
	if sub.source.Sender.Value == "" && !p.Organization.IsZero() {
		return nil, nil
	}
	if own := w.people.resources[p.Organization]; own != nil { // decide has read it
		for _, id := range append([]fhir.Identifier{sub.source.Sender}, sub.source.Senders...) {
			if bears(own, id) {
				return sub.admitted()
			}
		}
	}
	return sub.otherSender(""), nil
}

// admitted asks a format whose records several organisations may send.
func (sub *submission) admitted() (error, error) {
	f, asks := sub.format.(mapping.Admitter)
	if !asks {
		return nil, nil
	}
	if ok, err := f.Admits(sub.source, sub.known); ok || err != nil {
		return nil, fhir.Wrap("exchange.Submit", err)
	}
	return sub.otherSender(""), nil
}

// otherSender refuses what the organisation of the token may not send (push-sender).
func (sub *submission) otherSender(compartment string) error {
	sub.refuse(compartment, 403, "push-sender")
	return refusal("exchange.Submit", auth.Decision{HTTP: 403, Reason: "push-sender"})
}

// versions answers an exact repeat with the stored receipt, and refuses a version that was stored
// with another body or lies below the highest, by the rules of its format.
func (sub *submission) versions(v Lookups) ([]byte, error, error) {
	if sub.source.Record == "" || sub.source.Version < 1 {
		return nil, nil, nil
	}
	stored, err := v.Record(sub.source.Record)
	if err != nil {
		return nil, nil, unavailable("exchange.Submit", "policy-unavailable", err)
	}
	for _, old := range stored {
		if old.Version != sub.source.Version {
			continue
		}
		if old.Hash == sub.hash {
			sub.event.denied(auth.Decision{Permit: true, Reason: "permit-write"}, patientOf(old.Compartment))
			return old.Result, nil, nil
		}
		if sub.source.Foreign {
			return nil, sub.conflict(old.Compartment, "Bundle.identifier", "bundle-exists",
				"A Bundle with this identifier was stored with another content; give the new one an identifier of its own.",
				fhir.Translations{
					NL: "Een Bundle met deze identifier is met een andere inhoud opgeslagen; geef de nieuwe een eigen identifier.",
					SV: "En Bundle med denna identifier är lagrad med annat innehåll; ge den nya en egen identifier."}), nil
		}
		rules := versionRules(sub.source)
		return nil, sub.conflict(old.Compartment, rules.Pointer, rules.Changed,
			"This record and version were stored with another content; send a higher version.",
			fhir.Translations{
				NL: "Dit record is met deze versie en een andere inhoud opgeslagen; stuur een hogere versie.",
				SV: "Denna version är lagrad med annat innehåll; skicka en högre version."}), nil
	}
	if n := len(stored); n > 0 && sub.source.Version < stored[n-1].Version {
		rules := versionRules(sub.source)
		return nil, sub.conflict(stored[n-1].Compartment, rules.Pointer, rules.Lower,
			"A higher version of this record is stored; send a version above it.",
			fhir.Translations{
				NL: "Van dit record is een hogere versie opgeslagen; stuur een versie daarboven.",
				SV: "En högre version är lagrad; skicka en version över den."}), nil
	}
	return sub.sameChild(v, stored)
}

// versionRules are how the format of a source calls a version, and the rules that one breaks.
func versionRules(s mapping.Source) mapping.Versions {
	if s.Versions == (mapping.Versions{}) {
		return mapping.Versions{Pointer: "/versie", Changed: "MKS-ENV-12", Lower: "MKS-ENV-10"}
	}
	return s.Versions
}

// faultKind is 409 when nothing is wrong with the document but that it contradicts what is stored
// (MKS-ENV-11, and what a format calls a conflict), else 422.
func (sub *submission) faultKind() (fhir.Kind, int) {
	for _, i := range sub.issues {
		if i.Severity == fhir.SeverityError && i.Diagnostics != "MKS-ENV-11" && i.Code != "conflict" {
			return fhir.Unprocessable, 422
		}
	}
	return fhir.Conflict, 409
}

// sameChild refuses a version of a record that is stored for another child: it would carry what one
// child's file holds into that of another.
func (sub *submission) sameChild(v Lookups, stored []RecordVersion) ([]byte, error, error) {
	if len(stored) == 0 || len(sub.source.Child) == 0 {
		return nil, nil, nil
	}
	compartment := stored[len(stored)-1].Compartment
	st, err := v.Read(patientOf(compartment))
	if missing(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, unavailable("exchange.Submit", "policy-unavailable", err)
	}
	patient, err := tree(st)
	if err != nil {
		return nil, nil, err
	}
	if slices.ContainsFunc(sub.source.Child, func(id fhir.Identifier) bool { return bears(patient, id) }) {
		return nil, nil, nil
	}
	refused := sub.conflict(compartment, versionRules(sub.source).Pointer, "record-child",
		"This record is stored for another child; withdraw it there, and send it under a new recordId.",
		fhir.Translations{
			NL: "Dit record is voor een ander kind opgeslagen; trek het daar in, en stuur het met een nieuw recordId.",
			SV: "Dokumentet är lagrat för ett annat barn; makulera det där, och skicka det med ett nytt id."})
	return nil, refused, nil
}

func (sub *submission) conflict(compartment, at, rule, text string, in fhir.Translations) error {
	sub.refuse(compartment, 409, rule)
	err := fhir.Errorf(fhir.Conflict, "exchange.Submit", "business-rule", rule, "%s", text)
	err.Issues[0].Expression, err.Issues[0].In = at, in
	return err
}
