package odata

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/postern-id/postern/internal/fault"
)

// Limits of a JSON body.
const (
	MaxBody  = 1 << 20 // bytes, compressed and decompressed, unless BodyOptions says otherwise
	MaxDepth = 32      // objects and arrays within each other, the body itself included
)

// What may be wrong with a body as a whole.
var (
	ErrBody = &fault.Error{
		Kind: fault.Invalid, Code: "invalidBody",
		Text: "The body is not valid JSON.",
	}
	ErrBodyTooLarge = &fault.Error{
		Kind: fault.TooLarge, Code: "bodyTooLarge",
		Text:   "The body is larger than this request takes.",
		Remedy: "Send less in one request.",
	}
	ErrContentType = &fault.Error{
		Kind: fault.MediaType, Code: "contentTypeNotRead",
		Text:   "The body has a type that is not read here.",
		Remedy: "Send Content-Type: application/json in UTF-8.",
	}
	ErrContentEncoding = &fault.Error{
		Kind: fault.MediaType, Code: "contentEncodingNotRead",
		Text:   "The body has an encoding that is not read here.",
		Remedy: "Send it plain or with Content-Encoding: gzip.",
	}
)

// BodyOptions say what [ReadJSON] takes.
type BodyOptions struct {
	MaxBytes   int64 // before and after decompression; 0 means MaxBody
	AllowEmpty bool  // no body means {}
}

// ReadJSON reads the body of r: one JSON object in UTF-8, application/json, plain or gzip.
// It refuses what a lenient reader would let pass: members that appear twice, data after
// the object, nesting beyond MaxDepth. Unknown members are for [Object.Done].
// Errors: ErrBody, ErrBodyTooLarge, ErrContentType, ErrContentEncoding.
func ReadJSON(r *http.Request, opts BodyOptions) (*Object, error) {
	data, err := readBody(r, opts)
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		if !opts.AllowEmpty {
			return nil, ErrBody.With("", "The request needs a JSON object as its body.")
		}
		return newObject(nil, "", &reading{}), nil
	}
	if err := check(data); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return nil, ErrBody.With("", "The body must be a JSON object.")
	}
	return newObject(members, "", &reading{}), nil
}

// readBody returns the decoded bytes, which may be none; an empty body needs no type.
func readBody(r *http.Request, opts BodyOptions) ([]byte, error) {
	limit := opts.MaxBytes
	if limit == 0 {
		limit = MaxBody
	}
	encoding := strings.Join(r.Header.Values("Content-Encoding"), ",")
	zipped := strings.EqualFold(encoding, "gzip")
	if !zipped && encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, ErrContentEncoding
	}
	if r.Body == nil {
		return nil, nil
	}
	data, err := readCapped(r.Body, limit)
	if err != nil || len(data) == 0 {
		return nil, err
	}
	if !isJSON(r.Header.Values("Content-Type")) {
		return nil, ErrContentType
	}
	if !zipped {
		return data, nil
	}
	unzip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, ErrBody.With("", "The body is not valid gzip.")
	}
	return readCapped(unzip, limit)
}

// ReadBytes reads a body that is no JSON, of limit bytes at most, plain: a stream property.
func ReadBytes(r *http.Request, limit int64) ([]byte, error) {
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, ErrContentEncoding
	}
	if r.Body == nil {
		return nil, nil
	}
	return readCapped(r.Body, limit)
}

// readCapped reads all of r, and ErrBodyTooLarge when that is more than limit bytes. A
// reader that fails on the way is the caller's doing: it hung up, or its gzip is broken.
func readCapped(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if _, capped := errors.AsType[*http.MaxBytesError](err); capped || int64(len(data)) > limit {
		return nil, ErrBodyTooLarge
	}
	if err != nil {
		return nil, ErrBody.With("", "The body could not be read to its end.")
	}
	return data, nil
}

// isJSON reports whether the one Content-Type is application/json in UTF-8. Other
// parameters (odata.metadata, IEEE754Compatible) change nothing here.
func isJSON(types []string) bool {
	if len(types) != 1 {
		return false
	}
	kind, params, err := mime.ParseMediaType(types[0])
	charset := params["charset"]
	return err == nil && kind == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

// check refuses data that is not exactly one JSON value as RFC 8259 and RFC 7493 want it.
func check(data []byte) error {
	if !utf8.Valid(data) {
		return ErrBody.With("", "The body is not valid UTF-8.")
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := checkValue(dec, 1); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return ErrBody.With("", "The body goes on after its JSON object.")
	}
	return nil
}

func checkValue(dec *json.Decoder, depth int) error {
	token, err := dec.Token()
	if err != nil {
		return notJSON(dec)
	}
	open, nested := token.(json.Delim)
	if !nested {
		return nil
	}
	if depth > MaxDepth {
		return ErrBody.With("", fmt.Sprintf("The body is nested deeper than %d levels.", MaxDepth))
	}
	seen := map[string]bool{}
	for dec.More() {
		if open == '{' {
			token, err := dec.Token()
			name, ok := token.(string)
			if err != nil || !ok {
				return notJSON(dec)
			}
			if seen[name] {
				return ErrBody.With(printable(name), "A member appears twice: "+printable(name)+".")
			}
			seen[name] = true
		}
		if err := checkValue(dec, depth+1); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return notJSON(dec)
	}
	return nil
}

func notJSON(dec *json.Decoder) error {
	return ErrBody.With("", fmt.Sprintf("The body is not valid JSON near byte %d.", dec.InputOffset()))
}

// printable makes a name that a caller chose fit for messages and logs.
func printable(name string) string {
	runes := []rune(strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, name))
	if len(runes) > 64 {
		return string(runes[:64]) + "…"
	}
	return string(runes)
}
