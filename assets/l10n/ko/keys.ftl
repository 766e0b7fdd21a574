# The keys, and the palette of commands.

keys-title = 단축키
keys-move = 다른 행으로 이동
keys-jump = 한 쪽씩, 처음으로, 끝으로 이동
keys-toggle = 터널 열기 또는 닫기
keys-open = 브라우저에서 주소 열기
keys-favourite = 즐겨찾기에 넣거나 빼기
keys-mark = 여러 행을 선택해 함께 다루기
keys-mark-all = 보이는 행 모두 선택
keys-search = 검색
keys-palette = 무엇이든 찾아서 하기
keys-pages = 페이지로 이동
keys-zoom = 크게, 작게, 원래대로
keys-escape = 뒤로: 선택, 검색, 상세 정보
keys-help = 단축키 보기

palette-hint = 서비스, 호스트 또는 할 일을 입력하세요
palette-nothing = 맞는 것이 없습니다.
palette-service = 서비스
palette-page = 페이지
palette-action = 동작
palette-setting = 설정
palette-open = { $service } 열기
palette-close = { $service } 닫기
palette-browse = { $service } 브라우저로 보기
palette-show = { $service } 보기
palette-probe = { $service } 모든 구간 점검
palette-stop-probe = { $service } 구간 점검 멈추기
palette-go = { JOSA($page, "으로/로") } 이동
palette-open-all = 목록에 있는 { $count }개 모두 열기
palette-close-all = 목록에 있는 { $count }개 모두 닫기
palette-language = 언어: { $language }
palette-host = { $host } 호스트로 터널 연결
