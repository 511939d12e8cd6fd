package fhir

import (
	"encoding/base64"
	"errors"
	"strings"

	dpb "github.com/google/fhir/go/proto/google/fhir/proto/r4/core/datatypes_go_proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// writeBinary writes base64, broken up with spaces when the separator extension says so.
func writeBinary(text []byte, v view) ([]byte, error) {
	encoded := base64.StdEncoding.EncodeToString(v.message().Get(v.p.value.fd).Bytes())
	separator, stride := v.stride()
	text = append(text, '"')
	text = append(text, broken(encoded, separator, stride)...)
	return append(text, '"'), nil
}

// stride returns how the base64 text was broken up: separator and distance.
func (v view) stride() (string, int) {
	ext := v.extension(strideURL)
	if ext == nil {
		return "", 0
	}
	parts := ext.Get(ext.Descriptor().Fields().ByName("extension")).List()
	separator, stride := "", 0
	for i := range parts.Len() {
		part := parts.Get(i).Message()
		value := part.Get(part.Descriptor().Fields().ByName("value")).Message()
		branch := value.WhichOneof(value.Descriptor().Oneofs().Get(0))
		if branch == nil {
			continue
		}
		of := value.Get(branch).Message()
		v0 := of.Get(of.Descriptor().Fields().ByName("value"))
		switch {
		case extensionURL(part) == "separator" && branch.Name() == "string_value":
			separator = v0.String()
		case extensionURL(part) == "stride" && branch.Name() == "positive_int":
			stride = int(v0.Uint())
		}
	}
	if strings.Trim(separator, " ") != "" {
		return "", 0
	}
	return separator, stride
}

// readBinary reads base64. Spaces at regular distances are kept in the separator extension; line
// ends are dropped.
func readBinary(n Node, p *plan, m protoreflect.Message) error {
	if n.Shape() != String {
		return errShape
	}
	text := n.Text()
	joined := strings.ReplaceAll(text, " ", "")
	value, err := base64.StdEncoding.DecodeString(joined)
	if err != nil {
		return errors.New("base64 is expected")
	}
	m.Set(p.value.fd, protoreflect.ValueOfBytes(value))
	if joined == text {
		return nil
	}
	stride := strings.IndexByte(text, ' ')
	rest := text[stride:]
	separator := rest[:len(rest)-len(strings.TrimLeft(rest, " "))]
	if stride == 0 || broken(joined, separator, stride) != text {
		return errors.New("the spaces in base64 must be regular")
	}
	e := &dpb.Extension{Url: &dpb.Uri{Value: strideURL}, Extension: []*dpb.Extension{
		{Url: &dpb.Uri{Value: "separator"}, Value: &dpb.Extension_ValueX{
			Choice: &dpb.Extension_ValueX_StringValue{StringValue: &dpb.String{Value: separator}}}},
		{Url: &dpb.Uri{Value: "stride"}, Value: &dpb.Extension_ValueX{
			Choice: &dpb.Extension_ValueX_PositiveInt{PositiveInt: &dpb.PositiveInt{Value: uint32(stride)}}}},
	}}
	m.Mutable(p.ext.fd).List().Append(protoreflect.ValueOfMessage(e.ProtoReflect()))
	return nil
}

// broken returns text with the separator behind every stride bytes.
func broken(text, separator string, stride int) string {
	var b strings.Builder
	for stride > 0 && len(text) > stride {
		b.WriteString(text[:stride])
		b.WriteString(separator)
		text = text[stride:]
	}
	b.WriteString(text)
	return b.String()
}
