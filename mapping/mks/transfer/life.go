package transfer

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
	"github.com/drieluik/drieluik/mapping/form"
	"github.com/drieluik/drieluik/mapping/mks/plan"
	"github.com/drieluik/drieluik/mapping/mks/record"
	"github.com/drieluik/drieluik/mapping/mks/tofhir"
)

// dailyLife adds devices, feeding, development, how child and family live with the illness, home.
func (w *transferWriter) dailyLife() {
	for i, v := range w.in.At("hulpmiddelen").Items() {
		name := "selfCare"
		if strings.Contains(strings.ToLower(v.At("soort").Str()), "sonde") {
			name = "nutritionOrFluid"
		}
		s := w.section(name)
		s.entries = append(s.entries, w.device(v, "hm"+strconv.Itoa(i+1)))
	}
	w.feeding()
	w.development()
	w.illness("kind")
	w.illness("gezin")
	w.family()
	w.home()
}

// device adds a Device and the statement that the child uses it.
func (w *transferWriter) device(v form.Value, part string) *dpb.Reference {
	ref, use := w.Place("Device", part), w.Place("DeviceUseStatement", part)
	on := ref.On
	d := &devpb.Device{
		Status:  element.Enum(&devpb.Device_StatusCode{}, "active"),
		Type:    element.TextConcept(v.At("soort").To(on+".type.text").Str(), w.Codings(v.At("code"), on+".type")...),
		Patient: w.PatientRef(),
	}
	if w.state.void {
		d.Status = element.Enum(&devpb.Device_StatusCode{}, "entered-in-error")
	}
	if size := tofhir.Traced(v.At("maat"), on+".property.valueCode.text").Str(); size != "" {
		d.Property = append(d.Property, &devpb.Device_Property{
			Type: tofhir.ListConcept("mks-observatie", "maat"), ValueCode: []*dpb.CodeableConcept{element.TextConcept(size)},
		})
	}
	if length := v.At("lengteCm"); length.Present() {
		d.Property = append(d.Property, &devpb.Device_Property{
			Type:          tofhir.ListConcept("mks-observatie", "lengte"),
			ValueQuantity: []*dpb.Quantity{element.Quantity(length.To(on+".property.valueQuantity.value").Decimal(), "cm")},
		})
	}
	d.Extension = element.Some(element.OwnExtension("leverancier", element.String(tofhir.Traced(v.At("leverancier"), tofhir.ExtensionValue(on, "leverancier")).Str())))
	w.Add(d, w.tagged(ref, "medisch"))
	w.Add(w.deviceUse(v, use.On, ref.Literal()), w.tagged(use, "medisch", tofhir.NlCore("MedicalDevice")))
	return use.Literal()
}

func (w *transferWriter) deviceUse(v form.Value, on string, device *dpb.Reference) *usepb.DeviceUseStatement {
	u := &usepb.DeviceUseStatement{
		Status: element.Enum(&usepb.DeviceUseStatement_StatusCode{}, w.state.statement), Subject: w.PatientRef(), Device: device,
	}
	if since := tofhir.Traced(v.At("ingebrachtOp"), on+".timing.start").Day(); since != "" {
		u.Timing = &usepb.DeviceUseStatement_TimingX{Choice: &usepb.DeviceUseStatement_TimingX_Period{
			Period: &dpb.Period{Start: element.DateTime(since)},
		}}
	}
	u.Extension = element.Some(element.OwnExtension("vervangen-voor", element.Date(tofhir.Traced(v.At("vervangenVoor"), tofhir.ExtensionValue(on, "vervangen-voor")).Day())))
	if set := tofhir.Traced(v.At("instelling"), on+".note.text").Str(); set != "" {
		u.Note = []*dpb.Annotation{{Text: element.Markdown(set)}}
	}
	return u
}

func (w *transferWriter) feeding() {
	v := w.in.At("voeding")
	if !v.Present() {
		return
	}
	ref := w.Place("NutritionOrder", "voeding")
	o := plan.FeedingOrder(v, ref.On)
	o.Status = element.Enum(&nutripb.NutritionOrder_StatusCode{}, w.state.plan)
	o.Patient = w.PatientRef()
	o.DateTime = element.Moment(w.Root().At("vastgelegdOp").Str())
	o.Orderer = w.Ref(w.in.At("verzender").At("verpleegkundige"))
	w.Add(o, w.tagged(ref, "medisch"))
	s := w.section("nutritionOrFluid")
	s.entries = append(s.entries, ref.Literal())
}

// developmentRow is a field of ontwikkeling: the SNOMED CT code of its Observation, the nl-core profile
// and the codes that the profile binds its value to.
type developmentRow struct {
	field           string
	code            *dpb.CodeableConcept
	profile, values string
}

// developments are the rows of the table. Read only.
var developments = []developmentRow{
	{"motoriek", snomed("282716004"), "DevelopmentLocomotion", "282632008 282607006 302040002 282888002 165245003"},
	{"taal", snomed("61909002"), "DevelopmentLinguistics", "258116008 26261000146103 26341000146105 26361000146106 26371000146100"},
	{"sociaal", snomed("225597007"), "DevelopmentSocial", "47041000146107 26281000146106 26301000146107 26291000146108 26321000146104"},
}

// profiles returns the profile of one value: that of nl-core for a code of its list.
func (d developmentRow) profiles(code string) []string {
	if !slices.Contains(strings.Fields(d.values), code) {
		return nil
	}
	return []string{tofhir.NlCore("DevelopmentChild." + d.profile)}
}

// development adds one Observation per code under the parent observation. The parent's profile allows
// one of each field.
func (w *transferWriter) development() {
	v := w.in.At("ontwikkeling")
	if !v.Present() {
		return
	}
	ref := w.Place("Observation", "ontw")
	parent, profiles := w.observation(childDevelopment), []string{tofhir.NlCore("DevelopmentChild")}
	if note := tofhir.Traced(v.At("toelichting"), ref.On+".note.text").Str(); note != "" {
		parent.Note = []*dpb.Annotation{{Text: element.Markdown(note)}}
	}
	for _, d := range developments {
		members, claimed := w.developed(v.At(d.field), d)
		parent.HasMember = append(parent.HasMember, members...)
		if claimed > 1 {
			profiles = nil
		}
	}
	w.Add(parent, w.tagged(ref, "ontwikkeling", profiles...))
	s := w.section("developmentChild")
	s.entries = append(s.entries, ref.Literal())
}

// developed adds an Observation for each code of a field, and counts those with an nl-core profile. A
// list that repeats a code is kept as it came besides.
func (w *transferWriter) developed(list form.Value, d developmentRow) (members []*dpb.Reference, claimed int) {
	seen := map[string]bool{}
	for _, item := range list.Items() {
		code := item.Str()
		if seen[code] {
			w.Keep(list)
			continue
		}
		seen[code] = true
		ref, profiles := w.Place("Observation", "ontw-"+d.field+"-"+code), d.profiles(code)
		o := w.observation(d.code)
		o.Value = &obspb.Observation_ValueX{Choice: &obspb.Observation_ValueX_CodeableConcept{
			CodeableConcept: snomed(item.To(ref.On + ".value.coding.code").Str()),
		}}
		w.Add(o, w.tagged(ref, "ontwikkeling", profiles...))
		members, claimed = append(members, ref.Literal()), claimed+len(profiles)
	}
	return members, claimed
}

// illness adds how the child, or the family, lives with the illness.
func (w *transferWriter) illness(whose string) {
	v := w.in.At("ziektebeleving").At(whose)
	if !v.Present() {
		return
	}
	ref := w.Place("Observation", "zb-"+whose)
	o := w.observation(livesWithIllness[whose])
	o.Value = tofhir.Said(v.To(ref.On + ".value").Str())
	w.Add(o, w.tagged(ref, "sociaal"))
	s := w.section("illnessPerception")
	s.entries = append(s.entries, ref.Literal())
}

func (w *transferWriter) family() {
	v := w.in.At("gezinssituatie")
	if !v.Present() {
		return
	}
	ref := w.Place("Observation", "gezin")
	on := ref.On
	o := w.observation(tofhir.ListConcept("mks-observatie", "gezinssituatie-kind"))
	if text := tofhir.Traced(v.At("samenstelling"), on+".value").Str(); text != "" {
		o.Value = tofhir.Said(text)
	}
	if n := v.At("broersZussen"); n.Present() {
		o.Component = []*obspb.Observation_Component{{
			Code: tofhir.ListConcept("mks-observatie", "broers-zussen"),
			Value: &obspb.Observation_Component_ValueX{Choice: &obspb.Observation_Component_ValueX_Integer{
				Integer: &dpb.Integer{Value: int32(n.To(on + ".component.value").Whole())},
			}},
		}}
	}
	w.Add(o, w.tagged(ref, "sociaal", element.StructureDefinition("mks-gezinssituatie-kind")))
	s := w.section("familySituation")
	s.entries = append(s.entries, ref.Literal())
}

// houseTypes is the code system of nl-core for woning-type.
const houseTypes = "urn:oid:2.16.840.1.113883.2.4.3.11.60.40.4.13.1"

func (w *transferWriter) home() {
	v := w.in.At("woonsituatie")
	if !v.Present() {
		return
	}
	ref := w.Place("Observation", "woning")
	on := ref.On
	o := w.observation(housing)
	o.Value = &obspb.Observation_ValueX{Choice: &obspb.Observation_ValueX_CodeableConcept{
		CodeableConcept: element.Concept(houseType(v.At("type").To(on + ".value.coding.code").Str())),
	}}
	if note := tofhir.Traced(v.At("toelichting"), on+".note.text").Str(); note != "" {
		o.Note = []*dpb.Annotation{{Text: element.Markdown(note)}}
	}
	w.Add(o, w.tagged(ref, "veiligheid"))
	s := w.section("livingSituation")
	s.entries = append(s.entries, ref.Literal())
}

// houseType returns the coding of woning-type: OTH is a null flavour.
func houseType(code string) *dpb.Coding {
	if code == "OTH" {
		return element.Coding(tofhir.NullFlavor, code, "")
	}
	return element.Coding(houseTypes, code, record.Label("woning-type", code))
}

// attachments adds a DocumentReference for each of bijlagen.
func (w *transferWriter) attachments() {
	w.list("bijlagen", "healthState", func(v form.Value, n int) *dpb.Reference {
		ref := w.Place("DocumentReference", "bijlage"+strconv.Itoa(n))
		on := ref.On
		d := &docpb.DocumentReference{
			Status:  element.Enum(&docpb.DocumentReference_StatusCode{}, w.state.document),
			Subject: w.PatientRef(),
			Content: []*docpb.DocumentReference_Content{{Attachment: attachment(v, on+".content.attachment")}},
		}
		d.Extension = element.Some(element.OwnExtension("sha256", element.String(v.At("sha256").To(tofhir.ExtensionValue(on, "sha256")).Str())))
		w.Add(d, w.tagged(ref, "medisch"))
		return ref.Literal()
	})
}

// attachment describes a document. A media type or an address that FHIR cannot hold becomes a
// source-member.
func attachment(v form.Value, on string) *dpb.Attachment {
	a := &dpb.Attachment{Title: element.String(v.At("titel").To(on + ".title").Str())}
	if mime := v.At("mime"); record.PlainCode.MatchString(mime.Str()) {
		a.ContentType = &dpb.Attachment_ContentTypeCode{Value: mime.To(on + ".contentType").Str()}
	}
	if url := v.At("url"); url.Present() && !strings.ContainsFunc(url.Str(), unicode.IsSpace) {
		a.Url = &dpb.Url{Value: url.To(on + ".url").Str()}
	}
	return a
}
