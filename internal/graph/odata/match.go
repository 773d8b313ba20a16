package odata

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/postern-id/postern/internal/fault"
)

// TagName is the annotation that holds the ETag of an entity.
const TagName = "@odata.etag"

// ErrMatch says that the If-Match of a request names no version that is there now.
var ErrMatch = &fault.Error{
	Kind: fault.Precondition, Code: "preconditionFailed",
	Text: "Somebody else changed this meanwhile.", Remedy: "Read it again, then decide.",
}

// ETag returns the tag of a version that grows with every change. It is weak, as Graph's are: the
// same version may be shown with more properties or fewer.
func ETag(versions ...int64) string {
	texts := make([]string, len(versions))
	for i, v := range versions {
		texts[i] = strconv.FormatInt(v, 10)
	}
	return `W/"` + strings.Join(texts, ".") + `"`
}

// Match returns ErrMatch where r has an If-Match that names neither tag nor any version at all
// (RFC 9110 section 13.1.1). Weak tags are compared by their text: OData asks for no strong ones.
func Match(r *http.Request, tag string) error {
	values := r.Header.Values("If-Match")
	if len(values) == 0 {
		return nil
	}
	opaque := strings.TrimPrefix(tag, "W/")
	for one := range strings.SplitSeq(strings.Join(values, ","), ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == opaque {
			return nil
		}
	}
	return ErrMatch
}

// Wanted is the version that has to be the stored one when r is carried out, once Match let it by: version where If-Match
// names one, else negative, which is any (directory.AnyVersion).
func Wanted(r *http.Request, version int64) int64 {
	if named := r.Header.Get("If-Match"); named == "" || strings.Contains(named, "*") {
		return -1
	}
	return version
}

// SetETag sends the tag of what is answered.
func SetETag(w http.ResponseWriter, tag string) { w.Header().Set("ETag", tag) }
