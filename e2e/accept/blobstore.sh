#!/usr/bin/env bash
# The fifth story: a bucket for an app. A Blobstore is declared, the app stores an object with the keys in its environment, the keys are replaced while
# people read it, and the bucket goes in the end, when it is said that its objects may go as well.
# It is done with what a person has: kubectl, and a curl that signs requests to S3 (7.75 or later), on doubles of AWS (docs/doubles.md). Run `make build` first.
source "$(dirname "${BASH_SOURCE[0]}")/amazon.bash"
bucket=acme-flynn-blobs

# s3 ID SECRET PATH [CURL ARGUMENTS...]: a request to S3, signed with that key; the status follows the answer.
s3() {
    curl -sS --max-time 10 --noproxy '*' -w '\n%{http_code}' --aws-sigv4 "aws:amz:$AWS_REGION:s3" --user "$1:$2" \
        -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' "$AWS_ENDPOINT_URL_S3$3" "${@:4}"
}

# entry NAME: what the Secret has under it.
entry() { kubectl get secret blobs -o "jsonpath={.data.$1}" | base64 --decode; }

# mine PATH [CURL ARGUMENTS...]: a request with the keys in the Secret.
mine() { s3 "$(entry AWS_ACCESS_KEY_ID)" "$(entry AWS_SECRET_ACCESS_KEY)" "$@"; }

# made ACTION: the calls so far have it; they are kept in a file, as each is told once.
made() {
    ask calls >>"$folder/calls"
    grep -q "$1" "$folder/calls"
}

start_amazon
check "IAM is heeded from now on" ask enforce

chapter "A bucket, a user, keys, and an app that has them"
cat >"$folder/manifests/site.yaml" <<YAML
apiVersion: flynn.io/v1alpha1
kind: Cluster
metadata: {name: site}
spec:
  domains:
  - name: $domain
    certificate: {namespace: default, name: wildcard}
  nodes: {selector: {matchLabels: {flynn.io/router: ""}}}
  aws: {region: $AWS_REGION}
---
apiVersion: flynn.io/v1alpha1
kind: Certificate
metadata: {namespace: default, name: wildcard}
spec: {selfSigned: {dnsNames: [$domain, "*.$domain"]}}
YAML
start_machine
check "kubectl apply" kubectl apply -f - <<YAML
apiVersion: flynn.io/v1alpha1
kind: Blobstore
metadata: {name: blobs}
spec:
  s3: {bucket: $bucket, region: $AWS_REGION}
  deletionPolicy: Delete
---
apiVersion: flynn.io/v1alpha1
kind: App
metadata: {name: www}
spec:
  blobstore: blobs
  env: {S3_URL: "$AWS_ENDPOINT_URL_S3"}
  processes:
    web:
      command:
      - sh
      - -ec
      - |
        object() {
            curl --fail --silent --show-error --max-time 10 --noproxy '*' --aws-sigv4 "aws:amz:\$AWS_REGION:s3" \\
                --user "\$AWS_ACCESS_KEY_ID:\$AWS_SECRET_ACCESS_KEY" -H 'x-amz-content-sha256: UNSIGNED-PAYLOAD' \\
                "\$S3_URL/\$S3_BUCKET/greeting" "\$@"
        }
        object >/dev/null 2>&1 || echo "Hello from an object." | object --upload-file -
        greeting=\`object\`
        exec flynn-operator hello --text "\$greeting with \$AWS_ACCESS_KEY_ID"
YAML
check "the Blobstore is ready" kubectl wait --for=condition=Ready blobstore/blobs --timeout=60s
check "so is the app" kubectl wait --for=condition=Ready app/www --timeout=60s
says "it answers with its object" "Hello from an object." https "www.$domain" /
kubectl get blobstores -o wide
same "the Secret has the variables of AWS and Flynn's own" \
    "AWS_ACCESS_KEY_ID AWS_REGION AWS_SECRET_ACCESS_KEY BACKEND_S3MAIN DEFAULT_BACKEND S3_BUCKET" \
    kubectl get secret blobs -o 'go-template={{$first := true}}{{range $name, $_ := .data}}{{if not $first}} {{end}}{{$name}}{{$first = false}}{{end}}'
says "Flynn's blobstore would take them" \
    "backend=s3 region=$AWS_REGION bucket=$bucket access_key_id=$(entry AWS_ACCESS_KEY_ID) secret_access_key=" entry BACKEND_S3MAIN
ask calls | tee "$folder/calls"

chapter "What the keys can do"
says "store an object" 200 mine "/$bucket/note" -T - <<<"a note"
says "read it" "a note" mine "/$bucket/note"
says "list the bucket" "<Key>note</Key>" mine "/$bucket?list-type=2"
says "delete it" 204 mine "/$bucket/note" -X DELETE
says "not list all buckets" AccessDenied mine /
says "not make one" AccessDenied mine /acme-more -X PUT
says "not read the policy" AccessDenied mine "/$bucket?policy"
says "not delete the bucket" AccessDenied mine "/$bucket" -X DELETE
check "somebody else has a bucket" s3 "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" /acme-other -X PUT
says "not look into another" AccessDenied mine "/acme-other?list-type=2"
says "not store there" AccessDenied mine /acme-other/note -T - <<<"a note"

chapter "In sync: nothing is written"
ask calls >/dev/null && : >"$folder/calls"
kubectl annotate --overwrite blobstore blobs flynn.io/resync="$(date +%N)" >/dev/null
check "an annotation has AWS looked at" until_true 30 made GetAccessKeyLastUsed
same "not one call wrote" "" grep -E ':(Create|Put|Delete|Update|Tag|Untag)' "$folder/calls"
cat "$folder/calls"

chapter "New keys, while people read"
old=$(entry AWS_ACCESS_KEY_ID) old_secret=$(entry AWS_SECRET_ACCESS_KEY)
start_asking "www.$domain"
check "an annotation has them replaced" kubectl annotate --overwrite blobstore blobs flynn.io/rotate="$(date)"
another() { [ "$(entry AWS_ACCESS_KEY_ID)" != "$old" ]; }
check "the Secret has a new key" until_true 60 another
new=$(entry AWS_ACCESS_KEY_ID)
with_new() { https "www.$domain" / | grep -q "$new"; }
check "the app runs with it" until_true 60 with_new
says "the status tells its id" "$new" kubectl get blobstore blobs -o 'jsonpath={.status.keyID}'
check "the old key ends when every Pod has the new one" until_true 120 made UpdateAccessKey
stop_asking "no request was lost to the rotation"
says "the old key signs nothing any more" 403 s3 "$old" "$old_secret" "/$bucket/greeting"
says "the new one does" "Hello from an object." mine "/$bucket/greeting"
same "no secret key was told" "" grep -rlF -e "$old_secret" -e "$(entry AWS_SECRET_ACCESS_KEY)" "$folder/up.log" "$folder/up.json"

chapter "The deletion waits for the objects"
kubectl delete blobstore blobs --wait=false
check "the Blobstore says so" until_true 60 is blobstore/blobs BucketReady False DeletionBlocked
says "and how many are in the way" "1 object" kubectl get blobstore blobs -o "jsonpath={.status.conditions[?(@.type=='BucketReady')].message}"
says "the app goes on" "Hello from an object." https "www.$domain" /
check "emptyOnDelete" kubectl patch blobstore blobs --type=merge -p '{"spec": {"s3": {"emptyOnDelete": true}}}'
check "it is gone" kubectl wait --for=delete blobstore/blobs --timeout=120s
says "so is the bucket" NoSuchBucket s3 "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "/$bucket?list-type=2"
says "and the Secret" NotFound kubectl get secret blobs
says "the other bucket stays" "<Name>acme-other</Name>" s3 "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY" "/acme-other?list-type=2"
ask calls

chapter "The end"
stop_machine
