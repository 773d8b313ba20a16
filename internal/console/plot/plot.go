// Package plot draws the few kinds of plots that the console shows: bars by days, shares of a
// whole, and meters. A [Plot] is nothing but rectangles, lines and words: x in percent of the
// width, y in pixels, classes instead of colours. The same plot becomes an SVG in a page, which
// stretches with it, and a PNG to be taken away.
package plot

import (
	"html"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// A Plot is a drawing. Label says in words what it shows.
type Plot struct {
	Height float64 // pixels
	Label  string
	Rects  []Rect
	Lines  []Line
	Texts  []Text
}

// A Rect is a filled rectangle: X and W in percent, Y and H in pixels.
type Rect struct {
	Class      string // main, second, third, alert, track
	X, W, Y, H float64
	Round      bool
}

// A Line is a level line at Y from X to the end.
type Line struct{ X, Y float64 }

// A Text stands with its foot at Y; at its start or, with End, at its end at X.
type Text struct {
	X, Y  float64
	Words string
	End   bool
}

// SVG returns p for a page.
func (p Plot) SVG() template.HTML {
	var b strings.Builder
	b.WriteString(`<svg class="plot" height="` + px(p.Height) + `" role="img" aria-label="` + html.EscapeString(p.Label) + `">`)
	for _, l := range p.Lines {
		b.WriteString(`<line x1="` + percent(l.X) + `" x2="100%" y1="` + px(l.Y) + `" y2="` + px(l.Y) + `"/>`)
	}
	for _, r := range p.Rects {
		b.WriteString(`<rect class="` + html.EscapeString(r.Class) + `" x="` + percent(r.X) + `" width="` + percent(r.W) + `" y="` + px(r.Y) + `" height="` + px(r.H) + `"`)
		if r.Round {
			b.WriteString(` rx="2"`)
		}
		b.WriteString(`/>`)
	}
	for _, t := range p.Texts {
		b.WriteString(`<text x="` + percent(t.X) + `" y="` + px(t.Y) + `"`)
		if t.End {
			b.WriteString(` text-anchor="end"`)
		}
		b.WriteString(`>` + html.EscapeString(t.Words) + `</text>`)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // every word in it is escaped above
}

func percent(x float64) string { return short(x) + "%" }
func px(y float64) string      { return short(y) }

func short(x float64) string { return strconv.FormatFloat(math.Round(x*100)/100, 'f', -1, 64) }

// A Series is one part of every bar, from the foot upwards.
type Series struct {
	Class  string
	Values []int
}

// Bars draws one bar for each place in series, stacked. Under says what stands under some of
// them, by their place.
func Bars(label string, series []Series, under map[int]string, number func(int) string) Plot {
	const foot, gap = 150.0, 1.0
	places := 0
	for _, s := range series {
		places = max(places, len(s.Values))
	}
	sums := make([]int, places)
	for _, s := range series {
		for i, n := range s.Values {
			sums[i] += n
		}
	}
	most := 0
	for _, n := range sums {
		most = max(most, n)
	}
	step, top := Scale(most)
	p := Plot{Height: foot + 30, Label: label}
	left := 2 + 1.5*float64(len(number(top)))
	for n := 0; n <= top; n += step {
		y := foot - foot*float64(n)/float64(top)
		p.Lines = append(p.Lines, Line{X: left, Y: y})
		p.Texts = append(p.Texts, Text{X: 0, Y: y + 4, Words: number(n)})
	}
	if places == 0 {
		return p
	}
	wide := (100 - left) / float64(places)
	for i := range places {
		x, below := left+wide*float64(i)+wide*0.14, 0
		for _, s := range series {
			if i >= len(s.Values) || s.Values[i] <= 0 {
				continue
			}
			high := foot * float64(s.Values[i]) / float64(top)
			y := foot - foot*float64(below)/float64(top) - high
			if below > 0 && high > 2*gap {
				high -= gap // daylight between the parts
			}
			p.Rects = append(p.Rects, Rect{Class: s.Class, X: x, W: wide * 0.72, Y: y, H: math.Max(high, 1)})
			below += s.Values[i]
		}
		if words, ok := under[i]; ok {
			p.Texts = append(p.Texts, Text{X: x, Y: foot + 22, Words: words})
		}
	}
	return p
}

// Scale returns the step between level lines, and the highest of them, for values up to most:
// two to five steps of 1, 2 or 5 times a power of ten.
func Scale(most int) (step, top int) {
	for factor := 1; ; factor *= 10 {
		for _, one := range []int{1, 2, 5} {
			if step = one * factor; most <= 5*step {
				top = max(2, (most+step-1)/step) * step
				return step, top
			}
		}
	}
}

// A Part is a share of a whole, or a meter.
type Part struct {
	Class string
	Name  string // of a meter
	Value int
	Words string // of a meter, at its end
}

const shareHeight = 28

// Shares draws parts of a whole beside each other. What is there is seen, however small it is.
func Shares(label string, parts []Part) Plot {
	const least, gap = 0.8, 0.35
	p := Plot{Height: shareHeight, Label: label}
	total, shown := 0, 0
	for _, part := range parts {
		total += part.Value
		if part.Value > 0 {
			shown++
		}
	}
	if total == 0 {
		p.Rects = []Rect{{Class: "track", W: 100, H: shareHeight}}
		return p
	}
	room := 100 - least*float64(shown) - gap*float64(shown-1)
	x := 0.0
	for _, part := range parts {
		if part.Value <= 0 {
			continue
		}
		wide := least + room*float64(part.Value)/float64(total)
		p.Rects = append(p.Rects, Rect{Class: part.Class, X: x, W: wide, H: shareHeight})
		x += wide + gap
	}
	return p
}

// Meters draws each part under the other, as its share of whole.
func Meters(label string, parts []Part, whole int) Plot {
	const high = 40.0
	p := Plot{Height: math.Max(high*float64(len(parts))-8, 0), Label: label}
	for i, part := range parts {
		y := high * float64(i)
		p.Texts = append(p.Texts, Text{X: 0, Y: y + 12, Words: part.Name}, Text{X: 100, Y: y + 12, Words: part.Words, End: true})
		p.Rects = append(p.Rects, Rect{Class: "track", W: 100, Y: y + 18, H: 10, Round: true})
		if part.Value > 0 && whole > 0 {
			p.Rects = append(p.Rects, Rect{Class: part.Class, W: math.Max(100*math.Min(float64(part.Value)/float64(whole), 1), 0.5), Y: y + 18, H: 10, Round: true})
		}
	}
	return p
}
