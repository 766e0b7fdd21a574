# Hosts, the first run, and the questions that a connection asks.

question-unknown-host = 맞는 호스트인가요?
question-passphrase = 개인 키의 암호
question-password = 비밀번호
question-interactive = 서버의 질문
question-by = { $hop }의 질문
question-wrong-passphrase = 암호가 틀렸습니다.
question-wrong-password = 비밀번호가 틀렸습니다.
question-field-passphrase = 키 암호
question-field-answer = 답
question-host-key = 이 호스트의 키는 아직 모르는 키입니다. 다른 방법으로 받은 지문과 비교해 보세요. 다른 키로 답한다면 당신의 호스트가 아닙니다.
question-host = 호스트
question-key = 키
question-copy-fingerprint = 지문 복사
question-known-as = 같은 키를 이미 { JOSA($names, "으로/로") } 알고 있습니다. 호스트의 주소만 바뀌었을 가능성이 큽니다.
question-trust = 이 호스트 신뢰
question-sudo = Adit가 이 파일을 root로 읽어도 될까요?
question-sudo-why = 클러스터의 kubeconfig가 있지만 root만 읽을 수 있습니다. Adit는 sudo로 한 번 읽고 메모리에만 둡니다.
question-sudo-yes = sudo로 읽기
