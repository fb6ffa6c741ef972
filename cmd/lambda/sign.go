package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// credentials are those that Lambda gives a function of its role.
type credentials struct{ id, secret, token string }

// sign signs a request to S3 without a body and without a query, by Signature Version 4:
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html. One GET is all that is asked of AWS here;
// its SDK would double the bootstrap.
func (c credentials) sign(r *http.Request, region string, now time.Time) {
	const algorithm = "AWS4-HMAC-SHA256"
	moment := now.UTC().Format("20060102T150405Z")
	scope := moment[:8] + "/" + region + "/s3/aws4_request"
	r.Header.Set("X-Amz-Date", moment)
	r.Header.Set("X-Amz-Content-Sha256", sum(""))
	if c.token != "" {
		r.Header.Set("X-Amz-Security-Token", c.token)
	}
	lines := []string{"host:" + r.URL.Host}
	names := []string{"host"}
	for name := range r.Header {
		lines = append(lines, strings.ToLower(name)+":"+strings.TrimSpace(r.Header.Get(name)))
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(lines)
	slices.Sort(names)
	signed := strings.Join(names, ";")
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), "", strings.Join(lines, "\n"), "", signed, sum("")}, "\n")
	key := []byte("AWS4" + c.secret)
	for _, part := range []string{moment[:8], region, "s3", "aws4_request", strings.Join([]string{algorithm, moment, scope, sum(canonical)}, "\n")} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	r.Header.Set("Authorization", algorithm+" Credential="+c.id+"/"+scope+",SignedHeaders="+signed+",Signature="+hex.EncodeToString(key))
}

func sum(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}
