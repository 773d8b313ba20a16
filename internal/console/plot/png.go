package plot

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// A Sheet is what a PNG has around its plot, where a page has words of its own.
type Sheet struct {
	Title  string
	Note   string // under the plot: whose numbers they are, and of when
	Legend []Part // Class and Name
}

// PNGs are drawn at twice the size of a page, in the colours of the light theme (tokens.css): they
// are put into documents, which are white.
const (
	pngScale  = 2
	pngWidth  = 2 * 960
	pngMargin = 2 * 32
)

var (
	paper   = color.RGBA{0xff, 0xff, 0xff, 0xff}
	ink     = color.RGBA{0x1b, 0x20, 0x23, 0xff}
	soft    = color.RGBA{0x4c, 0x53, 0x56, 0xff}
	rule    = color.RGBA{0xdc, 0xd9, 0xd1, 0xff}
	second  = color.RGBA{0x4f, 0x8d, 0x9a, 0xff}
	colours = map[string]color.RGBA{
		"main": {0x0b, 0x57, 0x68, 0xff}, "second": second, "third": {0xc3, 0xd5, 0xd6, 0xff}, "alert": {0xc4, 0x65, 0x2a, 0xff}, "track": rule,
	}
)

// faces are made once: 13 px for words of the plot, 19 px for the title, as on the page.
var faces = sync.OnceValues(func() ([2]font.Face, error) {
	var all [2]font.Face
	for i, f := range []struct {
		ttf  []byte
		size float64
	}{{goregular.TTF, 13}, {gobold.TTF, 19}} {
		parsed, err := opentype.Parse(f.ttf)
		if err != nil {
			return all, err
		}
		if all[i], err = opentype.NewFace(parsed, &opentype.FaceOptions{Size: f.size * pngScale, DPI: 72, Hinting: font.HintingFull}); err != nil {
			return all, err
		}
	}
	return all, nil
})

// drawing guards the faces, which are not safe for concurrent use.
var drawing sync.Mutex

// PNG writes p with what s says around it.
func (p Plot) PNG(w io.Writer, s Sheet) error {
	all, err := faces()
	if err != nil {
		return fmt.Errorf("read the font: %w", err)
	}
	drawing.Lock()
	defer drawing.Unlock()
	words, title := all[0], all[1]
	top := pngMargin + 32*pngScale
	if len(s.Legend) > 0 {
		top += 40 * pngScale
	}
	high := top + int(p.Height)*pngScale + 36*pngScale + pngMargin
	img := image.NewRGBA(image.Rect(0, 0, pngWidth, high))
	draw.Draw(img, img.Bounds(), image.NewUniform(paper), image.Point{}, draw.Src)
	say(img, title, ink, pngMargin, pngMargin+18*pngScale, s.Title, false)
	x := pngMargin
	for _, part := range s.Legend {
		y := pngMargin + 50*pngScale
		fill(img, part.Class, float64(x), float64(y-10*pngScale), 11*pngScale, 11*pngScale)
		x = say(img, words, ink, x+16*pngScale, y, part.Name, false) + 20*pngScale
	}
	across := func(percent float64) float64 { return pngMargin + percent/100*(pngWidth-2*pngMargin) }
	down := func(y float64) float64 { return float64(top) + y*pngScale }
	for _, l := range p.Lines {
		box(img, rule, across(l.X), down(l.Y), across(100)-across(l.X), pngScale)
	}
	for _, r := range p.Rects {
		fill(img, r.Class, across(r.X), down(r.Y), across(r.X+r.W)-across(r.X), r.H*pngScale)
	}
	for _, t := range p.Texts {
		say(img, words, soft, int(across(t.X)), int(down(t.Y)), t.Words, t.End)
	}
	say(img, words, soft, pngMargin, top+int(p.Height)*pngScale+28*pngScale, s.Note, false)
	return png.Encode(w, img)
}

// fill draws a rectangle of a class; the palest has an outline, as on the page.
func fill(img draw.Image, class string, x, y, w, h float64) {
	c, ok := colours[class]
	if !ok {
		c = rule
	}
	if class == "third" {
		box(img, second, x, y, w, h)
		x, y, w, h = x+pngScale, y+pngScale, w-2*pngScale, h-2*pngScale
	}
	box(img, c, x, y, w, h)
}

func box(img draw.Image, c color.Color, x, y, w, h float64) {
	r := image.Rect(int(math.Round(x)), int(math.Round(y)), int(math.Round(x+w)), int(math.Round(y+h)))
	if w > 0 && h > 0 {
		draw.Draw(img, r, image.NewUniform(c), image.Point{}, draw.Src)
	}
}

// say writes words with their foot at y and returns where they end.
func say(img draw.Image, face font.Face, c color.Color, x, y int, words string, end bool) int {
	d := font.Drawer{Dst: img, Src: image.NewUniform(c), Face: face, Dot: fixed.P(x, y)}
	if end {
		d.Dot.X -= d.MeasureString(words)
	}
	d.DrawString(words)
	return d.Dot.X.Ceil()
}
