package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestScalesAreRound(t *testing.T) {
	for _, c := range []struct{ most, step, top int }{
		{0, 1, 2}, {1, 1, 2}, {5, 1, 5}, {6, 2, 6}, {14, 5, 15}, {20, 5, 20}, {26, 10, 30}, {101, 50, 150}, {1_000_000, 200_000, 1_000_000},
	} {
		if step, top := Scale(c.most); step != c.step || top != c.top {
			t.Errorf("%d: steps of %d to %d, want %d to %d", c.most, step, top, c.step, c.top)
		}
	}
}

func TestBarsStandOnTheFootAndOnEachOther(t *testing.T) {
	p := Bars("x", []Series{{"main", []int{9, 0}}, {"third", []int{2, 0}}, {"alert", []int{0, 7}}}, map[int]string{1: "16 Nov"}, strconv.Itoa)
	if len(p.Rects) != 3 {
		t.Fatalf("%+v", p.Rects)
	}
	main, third, alert := p.Rects[0], p.Rects[1], p.Rects[2]
	if main.Y+main.H != 150 || third.Y+third.H != main.Y-1 || alert.Y+alert.H != 150 {
		t.Errorf("%+v", p.Rects)
	}
	if alert.X <= main.X+main.W || alert.X+alert.W > 100 {
		t.Errorf("bars overlap or leave the plot: %+v", p.Rects)
	}
}

// TestPlotsKeepTheirProportions: heights and widths are as the values, and nothing is outside.
func TestPlotsKeepTheirProportions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.IntRange(0, 100_000), 1, 90).Draw(t, "values")
		p := Bars("x", []Series{{"main", values}}, nil, strconv.Itoa)
		top := 0
		for _, v := range values {
			top = max(top, v)
		}
		_, top = Scale(top)
		at := 0
		for _, v := range values {
			if v == 0 {
				continue
			}
			r := p.Rects[at]
			at++
			if want := 150 * float64(v) / float64(top); math.Abs(r.H-want) > 1 {
				t.Fatalf("%d of %d is %f high", v, top, r.H)
			}
		}
		if at != len(p.Rects) {
			t.Fatalf("%d bars for %d values", len(p.Rects), at)
		}
		var parts []Part
		for _, v := range values[:min(5, len(values))] {
			parts = append(parts, Part{Class: "main", Value: v})
		}
		shares := Shares("x", parts)
		end := 0.0
		for _, r := range shares.Rects {
			if r.X < end-1e-9 || r.W < 0.8-1e-9 {
				t.Fatalf("%+v", shares.Rects)
			}
			end = r.X + r.W
		}
		if math.Abs(end-100) > 1e-6 {
			t.Fatalf("shares end at %f", end)
		}
	})
}

func TestSmallPartsAreSeen(t *testing.T) {
	p := Shares("x", []Part{{Class: "main", Value: 4446}, {Class: "second", Value: 328}, {Class: "alert", Value: 1}})
	if len(p.Rects) != 3 || p.Rects[2].W < 0.8 {
		t.Errorf("%+v", p.Rects)
	}
	if m := Meters("x", []Part{{Class: "main", Value: 1}, {Class: "main", Value: 0}}, 1_000_000); len(m.Rects) != 3 || m.Rects[1].W < 0.5 {
		t.Errorf("%+v", m.Rects)
	}
}

func TestAnSVGIsWellFormedWhateverItSays(t *testing.T) {
	p := Meters(`"<script>"`, []Part{{Class: `"x`, Name: "<b>&", Value: 3, Words: `'"`}}, 3)
	text := string(p.SVG())
	if strings.Contains(text, "<script") || strings.Contains(text, "<b>") || strings.Contains(text, "style=") {
		t.Errorf("%s", text)
	}
	d := xml.NewDecoder(strings.NewReader(text))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in %s", err, text)
		}
	}
}

func TestAPNGHasThePlotInIt(t *testing.T) {
	var out bytes.Buffer
	p := Bars("x", []Series{{"main", []int{4}}}, map[int]string{0: "16 Nov"}, strconv.Itoa)
	if err := p.PNG(&out, Sheet{Title: "Passes", Legend: []Part{{Class: "main", Name: "4 used"}}}); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&out)
	if err != nil {
		t.Fatal(err)
	}
	size, blue, dark := img.Bounds(), 0, 0
	for y := range size.Dy() {
		for x := range size.Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			switch {
			case r>>8 == 0x0b && g>>8 == 0x57 && b>>8 == 0x68:
				blue++
			case r>>8 < 0x60:
				dark++
			}
		}
	}
	if size.Dx() != pngWidth || blue < size.Dx()*100 || dark < 50 {
		t.Errorf("%v with %d points of the bar and %d of words", size, blue, dark)
	}
}
