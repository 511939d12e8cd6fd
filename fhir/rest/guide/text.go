package guide

import "strings"

// block is a piece of a text page.
type block struct {
	Kind  string // heading, code, list, paragraph
	Parts []part // of a heading or paragraph
	Items [][]part
	Code  string
}

// blocksOf reads the plain Markdown of our own pages: headings of the second level, paragraphs, lists
// and fenced code. The first line, the title, is left out.
func blocksOf(text string) []block {
	_, text, _ = strings.Cut(text, "\n")
	var out []block
	for i, piece := range strings.Split(text, "```") {
		if i%2 == 1 {
			_, code, _ := strings.Cut(piece, "\n") // what follows the fence is its language
			out = append(out, block{Kind: "code", Code: code})
			continue
		}
		for paragraph := range strings.SplitSeq(piece, "\n\n") {
			paragraph = strings.TrimSpace(paragraph)
			if title, ok := strings.CutPrefix(paragraph, "## "); ok {
				title, paragraph, _ = strings.Cut(title, "\n")
				out = append(out, block{Kind: "heading", Parts: inline(title)})
			}
			if paragraph != "" {
				out = append(out, blockOf(paragraph))
			}
		}
	}
	return out
}

func blockOf(paragraph string) block {
	if !strings.HasPrefix(paragraph, "- ") {
		return block{Kind: "paragraph", Parts: inline(paragraph)}
	}
	b := block{Kind: "list"}
	for item := range strings.SplitSeq(strings.TrimPrefix(paragraph, "- "), "\n- ") {
		b.Items = append(b.Items, inline(item))
	}
	return b
}

// inline tells code from text.
func inline(text string) []part {
	var out []part
	for i, piece := range strings.Split(strings.ReplaceAll(text, "\n", " "), "`") {
		if piece != "" {
			out = append(out, part{Text: piece, Code: i%2 == 1})
		}
	}
	return out
}
