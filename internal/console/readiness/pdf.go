package readiness

import (
	"bytes"
	"fmt"
	"strings"
)

// A document is a PDF of text in columns: A4, two of the fonts that every reader has, Latin-1.
// It is PDF 1.4 (Adobe's reference, third edition): a page is a stream of text operators, and the file ends in the
// places of its objects. A library that draws more would weigh more than all of the console.
type document struct {
	title, note, page string
	pages             []*bytes.Buffer
	y                 float64
}

// The measures of a page, in points.
const (
	pageWidth, pageHeight = 595.0, 842.0
	margin                = 48.0
	lineHeight            = 14.0
	textSize, headSize    = 9.0, 13.0
)

// A column is a text and where it begins.
type column struct {
	x    float64
	text string
}

type columns []column

// next begins a page if the height is not left on this one.
func (d *document) next(height float64) *bytes.Buffer {
	if len(d.pages) == 0 || d.y-height < margin {
		p := &bytes.Buffer{}
		d.pages = append(d.pages, p)
		put(p, "F2", headSize, margin, pageHeight-margin, d.title)
		put(p, "F1", textSize, margin, pageHeight-margin-lineHeight, d.note)
		put(p, "F1", textSize, pageWidth-margin-50, margin/2, fmt.Sprintf("%s %d", d.page, len(d.pages)))
		d.y = pageHeight - margin - 3*lineHeight
	}
	d.y -= height
	return d.pages[len(d.pages)-1]
}

func (d *document) heading(text string) {
	put(d.next(2.5*lineHeight), "F2", headSize-2, margin, d.y+lineHeight/2, text)
}

// row writes columns side by side; each is cut where the next begins.
func (d *document) row(bold bool, all columns) {
	p := d.next(lineHeight)
	font := "F1"
	if bold {
		font = "F2"
	}
	for i, c := range all {
		end := pageWidth - 2*margin
		if i+1 < len(all) {
			end = all[i+1].x
		}
		put(p, font, textSize, margin+c.x, d.y, fit(c.text, end-c.x))
	}
}

// fit cuts text to a width, by what a letter of Helvetica takes on average, a little more.
func fit(text string, width float64) string {
	most := max(1, int(width/(textSize*0.54)))
	if letters := []rune(text); len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return text
}

func put(p *bytes.Buffer, font string, size, x, y float64, text string) {
	fmt.Fprintf(p, "BT /%s %.1f Tf %.1f %.1f Td (%s) Tj ET\n", font, size, x, y, literal(text))
}

// literal is text as a PDF string in WinAnsiEncoding: what that does not have becomes a question
// mark, and what ends a string is escaped.
func literal(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '(' || r == ')' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r >= 0x20 && r < 0x7f:
			b.WriteRune(r)
		case r >= 0xa0 && r <= 0xff:
			fmt.Fprintf(&b, "\\%03o", r)
		case winAnsi[r] != 0:
			fmt.Fprintf(&b, "\\%03o", winAnsi[r])
		default:
			b.WriteByte('?')
		}
	}
	return b.String()
}

// winAnsi are letters of WinAnsiEncoding that Unicode has elsewhere.
var winAnsi = map[rune]int{'€': 0x80, '…': 0x85, 'Š': 0x8a, 'Œ': 0x8c, 'Ž': 0x8e, '‘': 0x91, '’': 0x92, '“': 0x93, '”': 0x94, '–': 0x96, '—': 0x97, 'š': 0x9a, 'œ': 0x9c, 'ž': 0x9e, 'Ÿ': 0x9f}

// write writes the file.
func (d *document) write(out *bytes.Buffer) {
	d.next(0)
	var places []int
	object := func(body string) {
		places = append(places, out.Len())
		fmt.Fprintf(out, "%d 0 obj\n%s\nendobj\n", len(places), body)
	}
	out.WriteString("%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
	const firstPage = 5 // after catalog, pages and two fonts; each page is followed by its content
	var kids []string
	for i := range d.pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", firstPage+2*i))
	}
	object("<< /Type /Catalog /Pages 2 0 R >>")
	object(fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d /MediaBox [0 0 %.0f %.0f] >>", strings.Join(kids, " "), len(kids), pageWidth, pageHeight))
	for _, font := range []string{"Helvetica", "Helvetica-Bold"} {
		object("<< /Type /Font /Subtype /Type1 /BaseFont /" + font + " /Encoding /WinAnsiEncoding >>")
	}
	for i, p := range d.pages {
		object(fmt.Sprintf("<< /Type /Page /Parent 2 0 R /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> /Contents %d 0 R >>", firstPage+2*i+1))
		object(fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", p.Len()+1, p.String()))
	}
	start := out.Len()
	fmt.Fprintf(out, "xref\n0 %d\n0000000000 65535 f \n", len(places)+1)
	for _, at := range places {
		fmt.Fprintf(out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(out, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(places)+1, start)
}
