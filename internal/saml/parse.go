package saml

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"unicode/utf8"

	"github.com/beevik/etree"
)

// Limits of what is read. The signature library walks at most 1,000 elements.
const (
	MaxMessage  = 256 << 10 // bytes of one message, inflated
	MaxMetadata = 1 << 20   // bytes of metadata
	maxElements = 800
	maxMetadata = 20_000 // elements of metadata
	maxDepth    = 24
	maxAttrs    = 64 // of one element, namespace declarations included
)

// parse reads a message. A DOCTYPE, an entity, a comment, a processing instruction, an id that
// comes twice and a name that is no name are all refused: no genuine message has one, and each
// has been somebody's way in.
func parse(raw []byte) (*node, error) {
	if len(raw) > MaxMessage {
		return nil, ErrTooLarge
	}
	root, err := tree(raw)
	if err != nil {
		return nil, err
	}
	if err := plain(root); err != nil {
		return nil, err
	}
	return resolve(root, maxElements)
}

// parseMetadata is parse for a document that people write by hand: comments are dropped.
func parseMetadata(raw []byte) (*node, error) {
	if len(raw) > MaxMetadata {
		return nil, ErrTooLarge
	}
	root, err := tree(raw)
	if err != nil {
		return nil, err
	}
	dropComments(root)
	if err := plain(root); err != nil {
		return nil, err
	}
	return resolve(root, maxMetadata)
}

// tree is the one call of the one parser.
func tree(raw []byte) (*etree.Element, error) {
	if !utf8.Valid(raw) {
		return nil, ErrMalformed
	}
	doc := etree.NewDocument()
	doc.ReadSettings = etree.ReadSettings{
		PreserveDuplicateAttrs: true, // so that resolve sees and refuses them
		MaxDepth:               maxDepth,
		CharsetReader: func(string, io.Reader) (io.Reader, error) {
			return nil, errors.New("not in UTF-8")
		},
	}
	if err := doc.ReadFromBytes(bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf"))); err != nil {
		return nil, ErrMalformed
	}
	var root *etree.Element
	for _, t := range doc.Child {
		switch t := t.(type) {
		case *etree.Element:
			if root != nil {
				return nil, ErrMalformed
			}
			root = t
		case *etree.CharData:
			if !t.IsWhitespace() {
				return nil, ErrMalformed
			}
		case *etree.ProcInst:
			if t.Target != "xml" || root != nil {
				return nil, ErrMalformed
			}
		case *etree.Comment: // outside the root: it is in nobody's text
		default: // a DOCTYPE
			return nil, ErrMalformed
		}
	}
	if root == nil {
		return nil, ErrMalformed
	}
	return root, nil
}

// plain refuses everything inside el that is neither element nor text.
func plain(el *etree.Element) error {
	for _, t := range el.Child {
		switch t := t.(type) {
		case *etree.Element:
			if err := plain(t); err != nil {
				return err
			}
		case *etree.CharData:
		default:
			return ErrMalformed
		}
	}
	return nil
}

func dropComments(el *etree.Element) {
	for _, child := range slices.Clone(el.Child) {
		switch t := child.(type) {
		case *etree.Comment:
			el.RemoveChild(t)
		case *etree.Element:
			dropComments(t)
		}
	}
}
