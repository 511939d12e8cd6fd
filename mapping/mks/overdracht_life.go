package mks

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	devpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/device_go_proto"
	usepb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/device_use_statement_go_proto"
	docpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/document_reference_go_proto"
	nutripb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/nutrition_order_go_proto"
	obspb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/resources/observation_go_proto"

	"github.com/drieluik/drieluik/mapping/element"
)

// dailyLife adds devices, feeding, development, how child and family live with the illness, home.
func (w *transferWriter) dailyLife() {
	for i, v := range w.in.at("hulpmiddelen").items() {
		name := "selfCare"
		if strings.Contains(strings.ToLower(v.at("soort").str()), "sonde") {
			name = "nutritionOrFluid"
		}
		s := w.section(name)
		s.entries = append(s.entries, w.device(v, "hm"+strconv.Itoa(i+1)))
	}
	w.feeding()
	w.development()
	w.illness("kind", "364667003")
	w.illness("gezin", "405199009")
	w.family()
	w.home()
}

// device adds a Device and the statement that the child uses it.
func (w *transferWriter) device(v value, part string) *dpb.Reference {
	ref, use := w.partRef("Device", part), w.partRef("DeviceUseStatement", part)
	on := ref.String()
	d := &devpb.Device{
		Status:  element.Enum(&devpb.Device_StatusCode{}, "active"),
		Type:    element.TextConcept(v.at("soort").to(on+".type.text").str(), codings(v.at("code"), on+".type")...),
		Patient: w.patientRef(),
	}
	if w.state.void {
		d.Status = element.Enum(&devpb.Device_StatusCode{}, "entered-in-error")
	}
	if size := traced(v.at("maat"), on+".property.valueCode.text").str(); size != "" {
		d.Property = append(d.Property, &devpb.Device_Property{
			Type: listConcept("mks-observatie", "maat"), ValueCode: []*dpb.CodeableConcept{element.TextConcept(size)},
		})
	}
	if length := v.at("lengteCm"); length.present() {
		d.Property = append(d.Property, &devpb.Device_Property{
			Type:          listConcept("mks-observatie", "lengte"),
			ValueQuantity: []*dpb.Quantity{element.Quantity(length.to(on+".property.valueQuantity.value").decimal(), "cm")},
		})
	}
	element.AddExtension(d, element.Some(element.OwnExtension("leverancier", element.String(traced(v.at("leverancier"), ext(on, "leverancier")).str())))...)
	w.add(d, w.tagged(ref, "medisch"))
	w.add(w.deviceUse(v, use.String(), element.Literal(ref)), w.tagged(use, "medisch", nlCore("MedicalDevice")))
	return element.Literal(use)
}

func (w *transferWriter) deviceUse(v value, on string, device *dpb.Reference) *usepb.DeviceUseStatement {
	u := &usepb.DeviceUseStatement{
		Status: element.Enum(&usepb.DeviceUseStatement_StatusCode{}, w.state.statement), Subject: w.patientRef(), Device: device,
	}
	if since := traced(v.at("ingebrachtOp"), on+".timing.start").day(); since != "" {
		u.Timing = &usepb.DeviceUseStatement_TimingX{Choice: &usepb.DeviceUseStatement_TimingX_Period{
			Period: &dpb.Period{Start: element.DateTime(since)},
		}}
	}
	element.AddExtension(u, element.Some(element.OwnExtension("vervangen-voor", element.Date(traced(v.at("vervangenVoor"), ext(on, "vervangen-voor")).day())))...)
	if set := traced(v.at("instelling"), on+".note.text").str(); set != "" {
		u.Note = []*dpb.Annotation{{Text: element.Markdown(set)}}
	}
	return u
}

func (w *transferWriter) feeding() {
	v := w.in.at("voeding")
	if !v.present() {
		return
	}
	ref := w.partRef("NutritionOrder", "voeding")
	o := feedingOrder(v, ref.String())
	o.Status = element.Enum(&nutripb.NutritionOrder_StatusCode{}, w.state.plan)
	o.Patient = w.patientRef()
	o.DateTime = element.Moment(w.root.at("vastgelegdOp").str())
	o.Orderer = w.ref(w.in.at("verzender").at("verpleegkundige"))
	w.add(o, w.tagged(ref, "medisch"))
	s := w.section("nutritionOrFluid")
	s.entries = append(s.entries, element.Literal(ref))
}

// developmentRow is a field of ontwikkeling: the SNOMED CT code of its Observation, the nl-core profile
// and the codes that the profile binds its value to.
type developmentRow struct{ field, code, profile, values string }

// developments are the rows of the table. Read only.
var developments = []developmentRow{
	{"motoriek", "282716004", "DevelopmentLocomotion", "282632008 282607006 302040002 282888002 165245003"},
	{"taal", "61909002", "DevelopmentLinguistics", "258116008 26261000146103 26341000146105 26361000146106 26371000146100"},
	{"sociaal", "225597007", "DevelopmentSocial", "47041000146107 26281000146106 26301000146107 26291000146108 26321000146104"},
}

// profiles returns the profile of one value: that of nl-core for a code of its list.
func (d developmentRow) profiles(code string) []string {
	if !slices.Contains(strings.Fields(d.values), code) {
		return nil
	}
	return []string{nlCore("DevelopmentChild." + d.profile)}
}

// development adds one Observation per code under the parent observation. The parent's profile allows
// one of each field.
func (w *transferWriter) development() {
	v := w.in.at("ontwikkeling")
	if !v.present() {
		return
	}
	ref := w.partRef("Observation", "ontw")
	parent, profiles := w.observation(element.Concept(element.Coding(snomed, "251803000", ""))), []string{nlCore("DevelopmentChild")}
	if note := traced(v.at("toelichting"), ref.String()+".note.text").str(); note != "" {
		parent.Note = []*dpb.Annotation{{Text: element.Markdown(note)}}
	}
	for _, d := range developments {
		members, claimed := w.developed(v.at(d.field), d)
		parent.HasMember = append(parent.HasMember, members...)
		if claimed > 1 {
			profiles = nil
		}
	}
	w.add(parent, w.tagged(ref, "ontwikkeling", profiles...))
	s := w.section("developmentChild")
	s.entries = append(s.entries, element.Literal(ref))
}

// developed adds an Observation for each code of a field, and counts those with an nl-core profile. A
// list that repeats a code is kept as it came besides.
func (w *transferWriter) developed(list value, d developmentRow) (members []*dpb.Reference, claimed int) {
	seen := map[string]bool{}
	for _, item := range list.items() {
		code := item.str()
		if seen[code] {
			w.keep(list)
			continue
		}
		seen[code] = true
		ref, profiles := w.partRef("Observation", "ontw-"+d.field+"-"+code), d.profiles(code)
		o := w.observation(element.Concept(element.Coding(snomed, d.code, "")))
		o.Value = &obspb.Observation_ValueX{Choice: &obspb.Observation_ValueX_CodeableConcept{
			CodeableConcept: element.Concept(element.Coding(snomed, item.to(ref.String()+".value.coding.code").str(), "")),
		}}
		w.add(o, w.tagged(ref, "ontwikkeling", profiles...))
		members, claimed = append(members, element.Literal(ref)), claimed+len(profiles)
	}
	return members, claimed
}

// illness adds how the child, or the family, lives with the illness.
func (w *transferWriter) illness(whose, code string) {
	v := w.in.at("ziektebeleving").at(whose)
	if !v.present() {
		return
	}
	ref := w.partRef("Observation", "zb-"+whose)
	o := w.observation(element.Concept(element.Coding(snomed, code, "")))
	o.Value = said(v.to(ref.String() + ".value").str())
	w.add(o, w.tagged(ref, "sociaal"))
	s := w.section("illnessPerception")
	s.entries = append(s.entries, element.Literal(ref))
}

func said(text string) *obspb.Observation_ValueX {
	return &obspb.Observation_ValueX{Choice: &obspb.Observation_ValueX_StringValue{StringValue: element.String(text)}}
}

func (w *transferWriter) family() {
	v := w.in.at("gezinssituatie")
	if !v.present() {
		return
	}
	ref := w.partRef("Observation", "gezin")
	on := ref.String()
	o := w.observation(listConcept("mks-observatie", "gezinssituatie-kind"))
	if text := traced(v.at("samenstelling"), on+".value").str(); text != "" {
		o.Value = said(text)
	}
	if n := v.at("broersZussen"); n.present() {
		o.Component = []*obspb.Observation_Component{{
			Code: listConcept("mks-observatie", "broers-zussen"),
			Value: &obspb.Observation_Component_ValueX{Choice: &obspb.Observation_Component_ValueX_Integer{
				Integer: &dpb.Integer{Value: int32(n.to(on + ".component.value").whole())},
			}},
		}}
	}
	w.add(o, w.tagged(ref, "sociaal", ownProfile("mks-gezinssituatie-kind")))
	s := w.section("familySituation")
	s.entries = append(s.entries, element.Literal(ref))
}

// houseTypes is the code system of nl-core for woning-type.
const houseTypes = "urn:oid:2.16.840.1.113883.2.4.3.11.60.40.4.13.1"

func (w *transferWriter) home() {
	v := w.in.at("woonsituatie")
	if !v.present() {
		return
	}
	ref := w.partRef("Observation", "woning")
	on := ref.String()
	o := w.observation(element.Concept(element.Coding(snomed, "365508006", "")))
	o.Value = &obspb.Observation_ValueX{Choice: &obspb.Observation_ValueX_CodeableConcept{
		CodeableConcept: element.Concept(houseType(v.at("type").to(on + ".value.coding.code").str())),
	}}
	if note := traced(v.at("toelichting"), on+".note.text").str(); note != "" {
		o.Note = []*dpb.Annotation{{Text: element.Markdown(note)}}
	}
	w.add(o, w.tagged(ref, "veiligheid"))
	s := w.section("livingSituation")
	s.entries = append(s.entries, element.Literal(ref))
}

// houseType returns the coding of woning-type: OTH is a null flavour.
func houseType(code string) *dpb.Coding {
	if code == "OTH" {
		return element.Coding(nullFlavor, code, "")
	}
	return element.Coding(houseTypes, code, label("woning-type", code))
}

// attachments adds a DocumentReference for each of bijlagen.
func (w *transferWriter) attachments() {
	w.list("bijlagen", "healthState", func(v value, n int) *dpb.Reference {
		ref := w.partRef("DocumentReference", "bijlage"+strconv.Itoa(n))
		on := ref.String()
		d := &docpb.DocumentReference{
			Status:  element.Enum(&docpb.DocumentReference_StatusCode{}, w.state.document),
			Subject: w.patientRef(),
			Content: []*docpb.DocumentReference_Content{{Attachment: attachment(v, on+".content.attachment")}},
		}
		element.AddExtension(d, element.OwnExtension("sha256", element.String(v.at("sha256").to(ext(on, "sha256")).str())))
		w.add(d, w.tagged(ref, "medisch"))
		return element.Literal(ref)
	})
}

// attachment describes a document. A media type or an address that FHIR cannot hold becomes a
// source-member.
func attachment(v value, on string) *dpb.Attachment {
	a := &dpb.Attachment{Title: element.String(v.at("titel").to(on + ".title").str())}
	if mime := v.at("mime"); plainCode.MatchString(mime.str()) {
		a.ContentType = &dpb.Attachment_ContentTypeCode{Value: mime.to(on + ".contentType").str()}
	}
	if url := v.at("url"); url.present() && !strings.ContainsFunc(url.str(), unicode.IsSpace) {
		a.Url = &dpb.Url{Value: url.to(on + ".url").str()}
	}
	return a
}
