package tofhir

import (
	"strconv"

	"github.com/drieluik/drieluik/fhir"
	"github.com/drieluik/drieluik/mapping/form"
)

// Traced records an optional member when it is there.
func Traced(v form.Value, elements ...string) form.Value {
	if v.Present() {
		v.To(elements...)
	}
	return v
}

// Indexed is the path of the i-th element of a list, for the trace.
func Indexed(place string, i int) string { return place + "[" + strconv.Itoa(i) + "]" }

// ExtensionValue returns the FHIRPath of the value of an extension of ours.
func ExtensionValue(on, name string) string {
	return on + ".extension('" + fhir.Canonical + "/StructureDefinition/" + name + "').value"
}

// ItemValue returns the FHIRPath of the answers with a linkId.
func ItemValue(on, link string) string {
	return on + ".item.where(linkId = '" + link + "').answer.value"
}
