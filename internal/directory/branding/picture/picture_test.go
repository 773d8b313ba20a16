package picture_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/postern-id/postern/internal/directory/branding"
	"github.com/postern-id/postern/internal/directory/branding/picture"
)

func drawing(width, height int, alpha uint8) image.Image {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		for y := range height {
			m.Set(x, y, color.NRGBA{uint8(x), uint8(y), 90, alpha})
		}
	}
	return m
}

func asPNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asJPEG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAPictureIsDrawnAnew(t *testing.T) {
	const secret = "<script>alert(1)</script>"
	for name, test := range map[string]struct {
		slot branding.Slot
		data []byte
		kind string
	}{
		"a logo in PNG":            {branding.BannerLogo, asPNG(t, drawing(245, 36, 100)), "image/png"},
		"a logo in JPEG":           {branding.SquareLogo, asJPEG(t, drawing(240, 240, 255)), "image/jpeg"},
		"a picture without holes":  {branding.BackgroundImage, asPNG(t, drawing(400, 300, 255)), "image/jpeg"},
		"a picture with holes":     {branding.BackgroundImage, asPNG(t, drawing(400, 300, 20)), "image/png"},
		"an icon":                  {branding.Favicon, asPNG(t, drawing(32, 32, 255)), "image/png"},
		"the largest that is read": {branding.BackgroundImage, asJPEG(t, drawing(1920, 1080, 255)), "image/jpeg"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := picture.Read(test.slot, append(test.data, secret...))
			if err != nil || p.Type != test.kind || p.Slot != test.slot {
				t.Fatalf("%v, %s %s", err, p.Type, p.Slot)
			}
			if bytes.Contains(p.Content, []byte(secret)) {
				t.Error("what stood behind the picture is still there")
			}
			c, format, err := image.DecodeConfig(bytes.NewReader(p.Content))
			if err != nil || "image/"+format != test.kind || c.Width != p.Width || c.Height != p.Height {
				t.Errorf("%s %v %v", format, c, err)
			}
		})
	}
}

// A bomb is a small file that says it is a large picture.
func bomb(t testing.TB) []byte {
	t.Helper()
	m := image.NewPaletted(image.Rect(0, 0, 12000, 12000), color.Palette{color.Black})
	return asPNG(t, m)
}

func TestWhatIsNoGoodPictureIsRefused(t *testing.T) {
	good := asPNG(t, drawing(100, 30, 255))
	photo := asJPEG(t, drawing(100, 30, 255))
	scans := append(bytes.Clone(photo[:len(photo)-2]), bytes.Repeat([]byte("\xff\xda\x00\x08\x01\x01\x00\x00\x00\x00"), 100)...)
	for name, test := range map[string]struct {
		slot branding.Slot
		data []byte
		want error
	}{
		"nothing":                   {branding.BannerLogo, nil, picture.ErrFormat},
		"SVG":                       {branding.BannerLogo, []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), picture.ErrFormat},
		"HTML":                      {branding.BannerLogo, []byte("<!doctype html><script>alert(1)</script>"), picture.ErrFormat},
		"GIF":                       {branding.BannerLogo, []byte("GIF89a\x01\x00\x01\x00"), picture.ErrFormat},
		"a PNG in name only":        {branding.BannerLogo, []byte("\x89PNG\r\n\x1a\n<svg onload=alert(1)>"), picture.ErrDamaged},
		"half a PNG":                {branding.BannerLogo, good[:len(good)/2], picture.ErrDamaged},
		"half a JPEG":               {branding.BannerLogo, photo[:len(photo)/2], picture.ErrDamaged},
		"a JPEG of many passes":     {branding.BannerLogo, scans, picture.ErrFormat},
		"a bomb":                    {branding.BackgroundImage, bomb(t), picture.ErrSize},
		"a logo that is too wide":   {branding.BannerLogo, asPNG(t, drawing(491, 36, 255)), picture.ErrSize},
		"a logo that is too high":   {branding.BannerLogo, asPNG(t, drawing(36, 73, 255)), picture.ErrSize},
		"a file that is too large":  {branding.BannerLogo, append(bytes.Clone(good), make([]byte, 100<<10)...), picture.ErrSize},
		"a slot that nobody has":    {"customCSS", good, picture.ErrFormat},
		"a picture that is too big": {branding.BackgroundImage, asPNG(t, drawing(1921, 10, 255)), picture.ErrSize},
	} {
		t.Run(name, func(t *testing.T) {
			if p, err := picture.Read(test.slot, test.data); !errors.Is(err, test.want) {
				t.Errorf("%v, %d bytes; want %v", err, len(p.Content), test.want)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(asPNG(f, drawing(20, 20, 100)))
	f.Add(asJPEG(f, drawing(20, 20, 255)))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := picture.Read(branding.SquareLogo, data)
		if err != nil {
			return
		}
		if p.Width > 480 || p.Height > 480 || len(p.Hash) != 32 {
			t.Errorf("%+v", p.Image)
		}
		if _, err := picture.Read(branding.SquareLogo, p.Content); err != nil && !errors.Is(err, picture.ErrSize) {
			t.Errorf("what was drawn can't be read: %v", err)
		}
	})
}
