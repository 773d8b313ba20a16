// Package picture takes images from people who may be wrong about them, or mean ill: it reads
// PNG and JPEG only, within bounds of bytes, pixels and passes, and draws them anew. What
// leaves it has no comment, no profile, no second file behind the first, and the type that it
// says. SVG is not taken, since it can hold scripts.
package picture

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"github.com/postern-id/postern/internal/directory/branding"
	"github.com/postern-id/postern/internal/fault"
)

// MaxBytes bounds what is read for any slot.
const MaxBytes = 1 << 20

// bounds of one slot: of the file that comes and its pixels. Graph's are half as large for
// logos; twice as many pixels look sharp on today's screens.
type bounds struct{ bytes, width, height int }

var limits = map[branding.Slot]bounds{
	branding.BannerLogo:      {100 << 10, 490, 72},
	branding.SquareLogo:      {100 << 10, 480, 480},
	branding.BackgroundImage: {MaxBytes, 1920, 1080},
	branding.Favicon:         {100 << 10, 256, 256},
}

// maxScans bounds the passes of a progressive JPEG: a small file can ask for thousands, each
// of which goes through the whole picture.
const maxScans = 64

// Faults of images.
var (
	ErrFormat = &fault.Error{
		Kind: fault.MediaType, Code: "imageFormat",
		Text: "This is not a picture in PNG or JPEG.", Remedy: "Save it as PNG or JPEG and try again.",
	}
	ErrDamaged = &fault.Error{
		Kind: fault.Invalid, Code: "imageDamaged",
		Text: "This picture can't be read to its end.", Remedy: "Save it anew and try again.",
	}
	ErrSize = &fault.Error{
		Kind: fault.Invalid, Code: "imageTooLarge",
		Text: "This picture is too large.", Remedy: "Make it smaller and try again.",
	}
)

// A Picture is an image for a slot, drawn anew.
type Picture struct {
	branding.Image
	Slot    branding.Slot
	Content []byte
}

// Read reads data for slot.
func Read(slot branding.Slot, data []byte) (Picture, error) {
	most, ok := limits[slot]
	if !ok {
		return Picture{}, ErrFormat
	}
	if len(data) > most.bytes {
		return Picture{}, ErrSize.With("", fmt.Sprintf("This picture has %d kB; at most %d are taken.", (len(data)+1023)>>10, most.bytes>>10))
	}
	kind, read, head := decoder(data)
	if read == nil {
		return Picture{}, ErrFormat
	}
	c, err := head(data)
	if err != nil {
		return Picture{}, ErrDamaged
	}
	if c.Width < 1 || c.Height < 1 || c.Width > most.width || c.Height > most.height {
		return Picture{}, ErrSize.With("", fmt.Sprintf("This picture has %d × %d pixels; at most %d × %d are taken.", c.Width, c.Height, most.width, most.height))
	}
	drawn, err := read(data)
	if err != nil {
		return Picture{}, ErrDamaged
	}
	return redrawn(slot, kind, drawn)
}

type (
	readImage func([]byte) (image.Image, error)
	readHead  func([]byte) (image.Config, error)
)

// decoder tells by the first bytes what data is; whatever it was called does not count.
func decoder(data []byte) (kind string, read readImage, head readHead) {
	switch {
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		return "image/png",
			func(b []byte) (image.Image, error) { return png.Decode(bytes.NewReader(b)) },
			func(b []byte) (image.Config, error) { return png.DecodeConfig(bytes.NewReader(b)) }
	case bytes.HasPrefix(data, []byte("\xff\xd8\xff")) && bytes.Count(data, []byte("\xff\xda")) <= maxScans:
		return "image/jpeg",
			func(b []byte) (image.Image, error) { return jpeg.Decode(bytes.NewReader(b)) },
			func(b []byte) (image.Config, error) { return jpeg.DecodeConfig(bytes.NewReader(b)) }
	}
	return "", nil, nil
}

// redrawn writes drawn out. A large picture without holes becomes a JPEG, which is smaller.
func redrawn(slot branding.Slot, kind string, drawn image.Image) (Picture, error) {
	var out bytes.Buffer
	solid, ok := drawn.(interface{ Opaque() bool })
	if slot == branding.BackgroundImage && ok && solid.Opaque() {
		kind = "image/jpeg"
	}
	var err error
	if kind == "image/jpeg" {
		err = jpeg.Encode(&out, drawn, &jpeg.Options{Quality: 88})
	} else {
		err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, drawn)
	}
	if err != nil {
		return Picture{}, fmt.Errorf("draw the picture anew: %w", err)
	}
	if out.Len() > 4*MaxBytes {
		return Picture{}, ErrSize
	}
	sum := sha256.Sum256(out.Bytes())
	size := drawn.Bounds().Size()
	return Picture{
		Image: branding.Image{Hash: hex.EncodeToString(sum[:16]), Type: kind, Width: size.X, Height: size.Y},
		Slot:  slot, Content: out.Bytes(),
	}, nil
}
