package design

import (
	"image"
	"image/color"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
)

// raster paints what QR drew, four pixels a module.
func raster(t *testing.T, svg string) image.Image {
	t.Helper()
	const scale = 4
	box := regexp.MustCompile(`viewBox="0 0 (\d+) `).FindStringSubmatch(svg)
	if box == nil {
		t.Fatalf("no view box in %s", svg)
	}
	side, err := strconv.Atoi(box[1])
	if err != nil {
		t.Fatal(err)
	}
	img := image.NewGray(image.Rect(0, 0, side*scale, side*scale))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	_, dark, _ := strings.Cut(svg, `fill="#000"`)
	for _, run := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1`).FindAllStringSubmatch(dark, -1) {
		var n [3]int
		for i := range n {
			if n[i], err = strconv.Atoi(run[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		for y := n[1] * scale; y < (n[1]+1)*scale; y++ {
			for x := n[0] * scale; x < (n[0]+n[2])*scale; x++ {
				img.SetGray(x, y, color.Gray{})
			}
		}
	}
	return img
}

func TestAReaderReadsWhatTheQRCodeSays(t *testing.T) {
	for _, text := range []string{
		"otpauth://totp/Contoso:sam%40contoso.example?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Contoso&algorithm=SHA1&digits=6&period=30",
		"https://localhost:8443/authenticator/#" + strings.Repeat("aB3_", 40),
	} {
		svg, err := QR(text, `Code for "Sam" <sam>`)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(svg), "otpauth") || !strings.Contains(string(svg), `aria-label="Code for &#34;Sam&#34; &lt;sam&gt;"`) {
			t.Errorf("markup %.200s", svg)
		}
		bitmap, err := gozxing.NewBinaryBitmapFromImage(raster(t, string(svg)))
		if err != nil {
			t.Fatal(err)
		}
		read, err := qrcode.NewQRCodeReader().Decode(bitmap, nil)
		if err != nil || read.GetText() != text {
			t.Errorf("read %v, %v; want %s", read, err, text)
		}
	}
	if _, err := QR(strings.Repeat("x", 5000), ""); err == nil {
		t.Error("what fits into no QR code was drawn")
	}
}
